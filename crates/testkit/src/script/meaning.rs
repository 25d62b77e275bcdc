//! The command that a step stands for.

use std::sync::Arc;

use reeve_credits::catalog::{AddonName, Interval};
use reeve_jobs::{Digest, FailReport, LapseCause, Phase, Reported, ReportedOutcome, Upload};
use reeve_types::{Credits, JobId, MemberId, PurchaseId, WorkerName};
use reeve_workspace::{
    Adjust, Cancel, Command, Complete, Fail, Kind, Lapse, LeaseJob, LimitMember, MemberLimit, MemberWindow,
    MoveCatalog, Purchase, Reconfigure, Refer, RefundKind, RefundPurchase, RefundSubscription, Renew,
    SetAddon, Submit, Subscribe, UploadOutput,
};

use super::{Kinds, Look, Step, create, zone};

impl Step {
    /// The command of this step; `None` when there is nothing that it could be about.
    pub fn command(&self, look: &Look<'_>) -> Option<Command> {
        let (a, b) = (self.a, self.b);
        Some(match self.kind {
            Kinds::Submit => self.submit(look),
            Kinds::Lease => {
                let job = look.job(a, |phase| matches!(phase, Phase::Queued { .. }))?;
                Command::Lease(LeaseJob { job, worker: WorkerName::new("w").ok()?, session: "s".into() })
            }
            Kinds::Upload => {
                let content_type = "image/png".into();
                let upload = Upload { index: b % 3, sha256: Digest([b as u8; 32]), size: 9, content_type };
                Command::Upload(UploadOutput { lease: look.lease(a)?, upload })
            }
            Kinds::Complete => {
                let lease = look.lease(a)?;
                let outputs = look.state.jobs.get(&lease.job).map_or(1, |live| live.job.spec.outputs);
                let report = |index| Reported { index, outcome: outcome(b, index) };
                Command::Complete(Complete { lease, outputs: (0..outputs).map(report).collect() })
            }
            Kinds::Fail => {
                let report = FailReport {
                    reason: "x".into(),
                    retryable: b.is_multiple_of(3),
                    fate_unknown: b.is_multiple_of(5),
                };
                Command::Fail(Fail { lease: look.lease(a)?, report })
            }
            Kinds::Lapse => Command::Lapse(Lapse { lease: look.lease(a)?, cause: cause(b) }),
            Kinds::Cancel => Command::Cancel(Cancel { job: look.job(a, |_| true)? }),
            Kinds::Again => Command::Cancel(Cancel { job: *look.nth(look.jobs, a)? }),
            Kinds::Create => Command::Create(Box::new(create(look.setting, u64::from(a)))),
            Kinds::Wake => Command::Wake,
            Kinds::Limit => self.limit(look)?,
            Kinds::Reconfigure => self.reconfigure(look),
            Kinds::Move => Command::MoveCatalog(MoveCatalog {
                name: look.setting.catalog_name().clone(),
                version: 1 + a % 3,
            }),
            _ => return self.money(look).or_else(|| self.subscription(look)),
        })
    }

    fn submit(&self, look: &Look<'_>) -> Command {
        let names: Vec<_> = look.setting.catalog.actions.keys().collect();
        let action = (*names[self.a as usize % names.len()]).clone();
        let mut params = serde_json::Map::new();
        params.insert("outputs".into(), (1 + self.b % 4).into());
        params.insert("seconds".into(), (1 + self.b / 4 % 40).into());
        if action.as_str().ends_with("upscale") && look.setting.catalog_name().as_str() == "kaiber" {
            params.insert("to".into(), "4k".into());
        }
        if self.b.is_multiple_of(11) {
            params.insert("media".into(), "basic".into());
            params.insert("upscale".into(), "4k".into());
        }
        let member = (self.b.is_multiple_of(3)).then(|| member(self.b / 3)).flatten();
        Command::Submit(Box::new(Submit {
            job: JobId::from_parts(look.now, u128::from(look.made)),
            action,
            params: Arc::new(params),
            member,
            priority: 0,
            not_before: None,
            queue_timeout_ms: (self.b.is_multiple_of(7)).then_some(60_000),
            run_timeout_ms: None,
            credits_max: (self.b.is_multiple_of(29)).then(|| Credits::whole(9)).flatten(),
            metadata: None,
            webhook: None,
            retry_of: None,
        }))
    }

    fn money(&self, look: &Look<'_>) -> Option<Command> {
        let (a, b) = (self.a, self.b);
        let purchase = || look.nth(look.purchases, a).copied();
        Some(match self.kind {
            Kinds::Purchase => self.purchase(look),
            Kinds::Confirm => Command::ConfirmPurchase { purchase: purchase()? },
            Kinds::FailPurchase => Command::FailPurchase { purchase: purchase()? },
            Kinds::WinDispute => Command::WinDispute { purchase: purchase()? },
            Kinds::Refund => {
                let kind = [RefundKind::Requested, RefundKind::Chargeback, RefundKind::Admin][b as usize % 3];
                let in_part = kind != RefundKind::Requested && b.is_multiple_of(5);
                Command::RefundPurchase(RefundPurchase {
                    purchase: purchase()?,
                    kind,
                    reason: (!b.is_multiple_of(7)).then(|| "r".into()),
                    credits: in_part.then(|| Credits::whole(i64::from(1 + b / 8 % 60))).flatten(),
                })
            }
            Kinds::Refer => Command::Refer(Refer { friend: format!("f{}", a % 12).into() }),
            Kinds::Adjust => self.adjust(look)?,
            _ => return None,
        })
    }

    fn purchase(&self, look: &Look<'_>) -> Command {
        let (a, b) = (self.a, self.b);
        let packs: Vec<_> = look.setting.catalog.packs.keys().collect();
        let by_pack = !packs.is_empty() && b.is_multiple_of(2);
        let pack = by_pack.then(|| packs[a as usize % packs.len()].as_str().into());
        let amounts = [1, 50, 500, 1_000, 1_001, 2_000, 7];
        let credits = Credits::whole(amounts[a as usize % amounts.len()]);
        // At times the id or the payment of another purchase.
        let fresh = PurchaseId::from_parts(look.now, u128::from(look.made));
        let repeated = look.nth(look.purchases, b).filter(|_| b.is_multiple_of(13));
        Command::Purchase(Box::new(Purchase {
            id: repeated.copied().unwrap_or(fresh),
            pack,
            credits: if by_pack { None } else { credits },
            payment: format!("pay-{}", if b.is_multiple_of(17) { a % 8 } else { 100 + look.made }).into(),
            pending: b.is_multiple_of(3),
        }))
    }

    fn adjust(&self, look: &Look<'_>) -> Option<Command> {
        let (a, b) = (self.a, self.b);
        let whole = i64::from(1 + a % 40) * if b.is_multiple_of(2) { 1 } else { -1 };
        let job = look.nth(look.jobs, a).filter(|_| b.is_multiple_of(6)).and_then(|job| look.adjusted(*job));
        let lasting = b.is_multiple_of(4) && whole > 0;
        Some(Command::Adjust(Adjust {
            amount: Credits::whole(whole)?,
            reason: "t".into(),
            expires_at: lasting.then(|| look.now.plus_ms(1 + i64::from(a % 90_000_000))),
            job,
            scope: look.setting.catalog.scopes.keys().next().filter(|_| b.is_multiple_of(10)).cloned(),
        }))
    }

    fn subscription(&self, look: &Look<'_>) -> Option<Command> {
        let (a, b) = (self.a, self.b);
        let addon = || -> Option<AddonName> { look.setting.catalog.addons.keys().next().cloned() };
        Some(match self.kind {
            Kinds::Subscribe => {
                let plans = &look.setting.catalog.plans;
                let plan = &plans[a as usize % plans.len()];
                Command::Subscribe(Subscribe {
                    plan: plan.name.clone(),
                    allotment: None,
                    interval: [None, Some(Interval::Month), Some(Interval::Year)][b as usize % 3],
                    seats: (plan.per_seat && b.is_multiple_of(2)).then_some(1 + b / 4 % 4),
                })
            }
            Kinds::CancelSubscription => Command::CancelSubscription,
            Kinds::Resume => Command::ResumeSubscription,
            Kinds::RefundSubscription => Command::RefundSubscription(RefundSubscription {
                payment: format!("sub-{}", look.made).into(),
                reason: "r".into(),
            }),
            Kinds::Renew => Command::Renew(Renew {
                payment: format!("term-{}", if b.is_multiple_of(9) { a % 4 } else { 100 + look.made }).into(),
                paid: !b.is_multiple_of(4),
            }),
            Kinds::Trial => Command::StartTrial,
            Kinds::Addon => Command::SetAddon(SetAddon { addon: addon()?, units: 1 + b % 3 }),
            Kinds::CancelAddon => Command::CancelAddon { addon: addon()? },
            _ => return None,
        })
    }

    /// What a caller would read of the ledger first; the clock must be folded up to now for that.
    fn limit(&self, look: &Look<'_>) -> Option<Command> {
        let member = member(self.a)?;
        let window = MemberWindow::ALL[self.b as usize % 3];
        let amount = Credits::whole(i64::from(self.b % 60))?;
        let limit = (!self.b.is_multiple_of(5)).then_some(MemberLimit { amount, window });
        let start = window.start(look.now, &look.state.profile);
        let rows = look.store.ledger.iter();
        let settled = rows.filter(|row| {
            row.kind == Kind::Settle && row.member.as_ref() == Some(&member) && row.at >= start
        });
        let settled = Credits::checked_sum(settled.map(|row| row.amount))?;
        let as_of_seq = look.state.chain.seq;
        Some(Command::LimitMember(LimitMember { member, limit, settled, as_of_seq }))
    }

    fn reconfigure(&self, look: &Look<'_>) -> Command {
        let (a, b) = (self.a, self.b);
        let wanted = match b % 4 {
            0 | 1 => Reconfigure { timezone: Some(zone(a)), ..Reconfigure::default() },
            2 => Reconfigure { catalog_version: Some(1 + a % 2), ..Reconfigure::default() },
            _ => Reconfigure {
                allotment: Credits::whole(i64::from(200 + a % 9 * 100_000)),
                metadata: Some(Some(format!("{{\"made\":{}}}", look.made).into())),
                ..Reconfigure::default()
            },
        };
        Command::Reconfigure(Box::new(wanted))
    }
}

fn member(n: u32) -> Option<MemberId> {
    MemberId::new(["ann", "bob", "cy"][n as usize % 3]).ok()
}

/// One bit per output says whether it landed; now and then shorter than quoted, or without its last stage.
fn outcome(bits: u32, index: u32) -> ReportedOutcome {
    let elsewhere = Some(("https://x.example".into(), Digest([0; 32]), 1));
    match (bits >> (index % 8)) & 1 {
        1 => ReportedOutcome::Landed {
            elsewhere,
            units: (bits.is_multiple_of(5)).then_some(1.5),
            stages: if bits.is_multiple_of(97) { vec![("upscale".into(), false)] } else { Vec::new() },
        },
        _ if index.is_multiple_of(2) => ReportedOutcome::Filtered { reason: None },
        _ => ReportedOutcome::Failed { reason: None },
    }
}

fn cause(n: u32) -> LapseCause {
    let causes = [
        LapseCause::Silent,
        LapseCause::Unacknowledged,
        LapseCause::Dropped,
        LapseCause::RunTimeout,
        LapseCause::FateUnknown,
    ];
    causes[n as usize % causes.len()]
}
