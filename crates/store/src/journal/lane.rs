//! The writer's hold on the database: a session, and where it stands in its lane.
//!
//! On PostgreSQL the session that writes is the session that has the lock, so that there is nothing between losing the
//! one and losing the other: whoever gets the lock finds no transaction of the owner before it under way. Every
//! transaction begins by asking for both, the lane's epoch and this session's mark; a connection that something below
//! replaced unseen has no mark and writes nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, Statement};

use super::writer::Writer;
use crate::open::Fatal;
use crate::task;

/// True in a session of PostgreSQL that took the lock and was not replaced since.
pub(crate) const IS_MARKED: &str = "current_setting('reeve.lane', true) = 'held'";

/// Pause before the second try to reach the database; it doubles from there.
const PAUSE_MS: u64 = 2;
/// Longest pause between two tries.
const PAUSE_MS_MAX: u64 = 250;
/// How long a batch waits for a database that went away. Longer than a restart takes, shorter than callers wait: they
/// hear a retryable answer, and the next batch tries again.
const RESOLVE_MAX: Duration = Duration::from_secs(8);
/// How long an idle writer trusts its session before it looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the database may take to answer that look.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// Transactions between two times that the server plans its statements anew. It keeps a plan until its own statistics
/// change, which is up to a minute; a plan that was good for an empty table is bad for one of a second's load.
const PLANS_KEPT: u64 = 256;

/// Where the writer stands in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Counts owners of the lane: a writer with an older one is fenced.
    pub(crate) epoch: u64,
    /// The last transaction that committed.
    pub(crate) seq: u64,
}

/// What an attempt to get a session that may write leads to.
pub(crate) enum Reached {
    Session(DatabaseConnection),
    /// Another process has the lock; the text says which, for people.
    Held(String),
}

/// Opens another session like the first.
pub(crate) type Connect = Arc<dyn Fn() -> BoxFuture<'static, Result<Reached, DbErr>> + Send + Sync>;

/// Takes the lane over, which fences the owner before.
pub(crate) async fn take_lane(db: &DatabaseConnection) -> Result<Lane, DbErr> {
    db.execute_unprepared(
        "INSERT INTO lanes (lane, epoch, seq) VALUES (0, 0, 0) ON CONFLICT (lane) DO NOTHING",
    )
    .await?;
    let sql = "UPDATE lanes SET epoch = epoch + 1 WHERE lane = 0 RETURNING epoch, seq";
    read_lane(db, sql).await?.ok_or_else(|| DbErr::Custom("the row of the lane is missing".to_owned()))
}

async fn read_lane(db: &DatabaseConnection, sql: &str) -> Result<Option<Lane>, DbErr> {
    let Some(row) = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await? else {
        return Ok(None);
    };
    let number = |column| row.try_get::<i64>("", column).map(|n| u64::try_from(n).unwrap_or(0));
    Ok(Some(Lane { epoch: number("epoch")?, seq: number("seq")? }))
}

/// What a lost session left behind.
pub(super) enum Resolved {
    Committed,
    NotCommitted,
    /// Nothing can be known now; the text says why.
    Impossible(String),
}

/// What one try to reach the database led to.
enum Try {
    Ours { committed: bool },
    Taken(String),
}

impl Writer {
    /// Replaces a lost session and learns from the lane whether the transaction under way committed.
    ///
    /// That one is over: its session had the lock, and a server ends a session's transaction before it gives the lock
    /// away. So the lane is only read, and reading it may be repeated however often the connection breaks meanwhile.
    pub(super) async fn resolve(&mut self) -> Resolved {
        let Some(connect) = self.connect.clone() else {
            return Resolved::Impossible("the connection cannot be replaced".to_owned());
        };
        self.in_reach = false;
        self.shared.set_can_commit(false);
        let mut detail = "it does not answer".to_owned();
        let tried = task::within(RESOLVE_MAX, self.reach_again(&connect, &mut detail)).await;
        match tried {
            Some(Try::Ours { committed: true }) => Resolved::Committed,
            Some(Try::Ours { committed: false }) => Resolved::NotCommitted,
            Some(Try::Taken(by)) => Resolved::Impossible(self.taken_over(&by)),
            None => Resolved::Impossible(detail),
        }
    }

    async fn reach_again(&mut self, connect: &Connect, detail: &mut String) -> Try {
        let mut pause_ms = PAUSE_MS;
        loop {
            task::pause(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
            match self.reach(connect).await {
                Ok(tried) => return tried,
                Err(error) => *detail = error.to_string(),
            }
        }
    }

    async fn reach(&mut self, connect: &Connect) -> Result<Try, DbErr> {
        let db = match connect().await? {
            Reached::Session(db) => db,
            Reached::Held(by) => return Ok(Try::Taken(by)),
        };
        match read_lane(&db, "SELECT epoch, seq FROM lanes WHERE lane = 0").await? {
            Some(lane) if lane.epoch == self.lane.epoch => {
                let committed = lane.seq > self.lane.seq;
                self.lane = lane;
                // The old connection is broken; whether it closes in order does not matter.
                drop(std::mem::replace(&mut self.db, db));
                self.in_reach = true;
                self.shared.set_can_commit(true);
                Ok(Try::Ours { committed })
            }
            // Somebody had it meanwhile: what is in memory here may be outdated.
            _ => Ok(Try::Taken(String::new())),
        }
    }

    /// Before a transaction: a session that was given up is tried for once, so that callers hear soon.
    ///
    /// # Errors
    /// A text for people when nothing can be committed now.
    pub(super) async fn be_in_reach(&mut self) -> Result<(), String> {
        if let Some(why) = self.shared.dead() {
            return Err(why.to_owned());
        }
        let Some(connect) = self.connect.clone().filter(|_| !self.in_reach) else {
            return Ok(());
        };
        match self.reach(&connect).await {
            Ok(Try::Ours { .. }) => Ok(()),
            Ok(Try::Taken(by)) => Err(self.taken_over(&by)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// While nothing is to be done: whether the session is still there. Without this, a server that nobody writes to
    /// would go on answering from memory after another one took over.
    pub(super) async fn look(&mut self) {
        if self.connect.is_none() || self.shared.dead().is_some() {
            return;
        }
        if !self.in_reach {
            // It is not a batch that waits, so there is nobody to be told.
            let _ = self.be_in_reach().await;
            return;
        }
        let sql = format!("SELECT epoch, seq FROM lanes WHERE lane = 0 AND {IS_MARKED}");
        let looked = task::within(LOOK_MAX, read_lane(&self.db, &sql)).await;
        if !matches!(looked, Some(Ok(Some(lane))) if lane.epoch == self.lane.epoch) {
            self.in_reach = false;
            self.shared.set_can_commit(false);
            // Once: nothing is in doubt, and whoever comes next is not to wait for more than a try.
            if let Err(why) = self.be_in_reach().await {
                tracing::warn!(%why, "the database is out of reach");
            }
        }
    }

    fn taken_over(&mut self, by: &str) -> String {
        let fatal = Fatal::TakenOver { by: by.to_owned() };
        let why = fatal.to_string();
        self.die(fatal);
        why
    }

    /// After a commit, now and then.
    pub(super) async fn refresh_plans(&self) {
        if self.connect.is_some() && self.lane.seq.is_multiple_of(PLANS_KEPT) {
            // A failure is that of the connection, which the next transaction meets too.
            let _ = self.db.execute_unprepared("DISCARD PLANS").await;
        }
    }
}
