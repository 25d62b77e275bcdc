//! What operators tell the dispatcher and see of it: paused pools, workers that get nothing more, a clock that was
//! moved.

use std::sync::Arc;

use actix::{Context, Handler};
use reeve_types::WorkerName;
use rustc_hash::FxHashMap;

use super::actor::DispatcherActor;
use super::message::{ClockMoved, PausePool, WithdrawWorker};

impl DispatcherActor {
    /// Leases that each worker's process waits for now.
    pub(crate) fn wanted(&self) -> FxHashMap<(WorkerName, Arc<str>), u32> {
        let mut wanted: FxHashMap<(WorkerName, Arc<str>), u32> = FxHashMap::default();
        for request in self.requests.values() {
            let asked = &request.asked;
            let sum = wanted.entry((asked.worker.clone(), asked.session.clone())).or_default();
            *sum = sum.saturating_add(request.open());
        }
        wanted
    }
}

impl Handler<ClockMoved> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, _: ClockMoved, ctx: &mut Self::Context) {
        self.open_gates(ctx);
    }
}

impl Handler<PausePool> for DispatcherActor {
    type Result = bool;

    fn handle(&mut self, PausePool { pool, paused }: PausePool, ctx: &mut Context<Self>) -> bool {
        let Some(at) = self.queue.settings().pool(&pool) else { return false };
        let done = self.queue.set_pool_paused(at, paused).is_ok();
        self.pump(ctx);
        done
    }
}

impl Handler<WithdrawWorker> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, WithdrawWorker(worker): WithdrawWorker, _: &mut Context<Self>) {
        let mine = self.requests.values_mut().filter(|request| request.asked.worker == worker);
        let ids: Vec<u64> = mine
            .map(|request| {
                request.withdrawn = true;
                request.id
            })
            .collect();
        for id in ids {
            self.answer_if_complete(id);
        }
    }
}
