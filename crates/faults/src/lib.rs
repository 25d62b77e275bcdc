//! Places where a build for tests can be killed, made to fail, or broken on purpose.
//!
//! Anyone outside of the pure core may name a [`Point`] it passes or ask whether a [`Law`] is broken. Both answer
//! something only with the feature `on`, which `reeve-cli` asks for by its own feature `faults` and nothing that ships
//! does: without it every call is an empty `const fn` and nothing of this is left in a binary.
//!
//! With it, `REEVE_FAULT` says at the start of the process what shall happen, parted by commas:
//!
//! ```text
//! die:journal.after_commit:7      SIGKILL when that point is passed for the 7th time
//! error:journal.after_inserts:3   the environment fails there the 3rd time
//! error:journal.after_inserts:3-9 from the 3rd to the 9th time
//! break:reply_before_commit       this law is broken as long as the process lives
//! ```

#[cfg(feature = "on")]
mod plan;
#[cfg(feature = "on")]
mod switched;

#[cfg(feature = "on")]
pub use plan::{Plan, PlanError};
#[cfg(feature = "on")]
pub use switched::{arm, fails, is_broken, pass, pass_soon};

/// Whether this is a build for tests.
pub const IS_ON: bool = cfg!(feature = "on");

/// Declares an enum of unit variants with a name in texts for each.
macro_rules! named {
    ($(#[$about:meta])* $kind:ident { $($(#[$line:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $kind { $($(#[$line])* $variant,)* }

        impl $kind {
            /// Every one there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in `REEVE_FAULT`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

named! {
    /// A place on the way of a change, in the order in which one passes them.
    Point {
        /// An upload is about to be written.
        OutputBeforeBytes = "output.before_bytes",
        /// All bytes of a large upload are in the staging area, not under their name.
        OutputStaged = "output.staged",
        /// The bytes of an upload are durable; no row knows of them.
        OutputLanded = "output.landed",
        /// A row knows of the bytes; whoever sent them does not.
        OutputNoted = "output.noted",
        /// A batch is full; its transaction has not begun.
        JournalBeforeBegin = "journal.before_begin",
        /// Workspaces have their new versions, nothing else is written.
        JournalAfterVersions = "journal.after_versions",
        /// Credits and ledger are written, the outbox is not.
        JournalBeforeOutbox = "journal.before_outbox",
        /// The outbox is written, the ends of jobs are not.
        JournalAfterOutbox = "journal.after_outbox",
        /// Every row is written.
        JournalAfterInserts = "journal.after_inserts",
        /// COMMIT is the next thing sent.
        JournalBeforeCommit = "journal.before_commit",
        /// The change is committed and may be read, the log is not synced yet.
        JournalBeforeSync = "journal.before_sync",
        /// The change is durable; nobody has heard of it.
        JournalAfterCommit = "journal.after_commit",
        /// Every actor of the batch has been told.
        JournalAfterAnswers = "journal.after_answers",
        /// An actor knows that its change is durable; the dispatcher does not.
        ActorBeforeEffects = "actor.before_effects",
        /// The effects are performed; the caller has no answer.
        ActorBeforeAnswer = "actor.before_answer",
        /// Rows say that the bytes of outputs are gone; their files are still there.
        UpkeepRowsShed = "upkeep.rows_shed",
        /// The answer of a request that changes something is about to be sent.
        ApiBeforeReply = "api.before_reply",
        /// It has been sent, a moment ago.
        ApiAfterReply = "api.after_reply",
        /// Events are looked through and somebody hears of them; no row says so.
        WebhookBeforeClaim = "webhook.before_claim",
        /// Their deliveries are rows; none of them was tried.
        WebhookAfterClaim = "webhook.after_claim",
        /// A delivery is about to be sent.
        WebhookBeforePost = "webhook.before_post",
        /// Its receiver has answered; no row says so.
        WebhookAfterPost = "webhook.after_post",
        /// What became of it is a row.
        WebhookNoted = "webhook.noted",
        /// A read has seen all it wanted; its transaction is about to end.
        ReaderBeforeRollback = "reader.before_rollback",
    }
}

named! {
    /// A promise to break, to see that tests notice.
    Law {
        /// The store takes a change set whatever version it was decided on.
        VersionGuard = "version_guard",
        /// Callers hear of a change before it is committed.
        ReplyAfterCommit = "reply_after_commit",
        /// Every landed output is charged once.
        SettleOnce = "settle_once",
        /// An answer is remembered with the change that it tells of.
        RememberKeys = "remember_keys",
        /// The end of a job is written with its charge.
        WholeCommit = "whole_commit",
        /// Bytes of an output are on disk before its row says so.
        BytesBeforeRow = "bytes_before_row",
        /// What happened is written to the outbox with the change.
        OutboxWithChange = "outbox_with_change",
        /// The outbox counts as looked through only together with the deliveries that it leads to.
        DeliveriesWithCursor = "deliveries_with_cursor",
    }
}

/// Tells that this point is passed; the process may end here.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn pass(_: Point) {}

/// As [`pass`], a moment later: for what happens behind a caller's back.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn pass_soon(_: Point) {}

/// True when the environment shall be taken to have failed at this point.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn fails(_: Point) -> bool {
    false
}

/// True when this law is broken on purpose.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub const fn is_broken(_: Law) -> bool {
    false
}
