//! What never changes of recent jobs, bounded by bytes: leases and pages need it, rows have it.
//!
//! Parameters are kept as JSON text and parsed again by who asks. As a map they take ten times the
//! memory, and most waiting jobs are asked for once, when a worker gets them.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use reeve_telemetry::Origin;
use reeve_types::{JobId, Millis, WorkspaceId};
use reeve_workspace::JobIntro;

type Params = serde_json::Map<String, serde_json::Value>;

/// An intro without its parameters, and these as text.
struct Packed {
    intro: JobIntro,
    params: Box<str>,
    /// The request that it was submitted with; `None` once it was read back from its row, which does not have it.
    origin: Option<Origin>,
}

impl Packed {
    /// `None` for parameters that JSON cannot hold; rows could not either.
    fn of(intro: &JobIntro, no_params: &Arc<Params>) -> Option<Self> {
        let params = serde_json::to_string(&*intro.params).ok()?.into();
        let intro = JobIntro { params: no_params.clone(), ..intro.clone() };
        Some(Self { intro, params, origin: None })
    }

    fn unpack(&self) -> Option<Arc<JobIntro>> {
        let params = Arc::new(serde_json::from_str(&self.params).ok()?);
        Some(Arc::new(JobIntro { params, ..self.intro.clone() }))
    }
}

/// What a packed intro takes besides its texts: itself in a counted box, and its places in the cache.
const FIXED_BYTES: usize = size_of::<Packed>() + 128;
/// The counted box of a request's id.
const REQUEST_BYTES: usize = 32;

#[derive(Clone)]
struct ByBytes;

impl Weighter<JobId, Arc<Packed>> for ByBytes {
    fn weight(&self, _: &JobId, packed: &Arc<Packed>) -> u64 {
        let texts = [&packed.intro.metadata, &packed.intro.webhook];
        let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        let request = packed.origin.as_ref().and_then(|origin| origin.request.as_ref());
        let request = request.map_or(0, |request| REQUEST_BYTES + request.len());
        (FIXED_BYTES + texts + packed.params.len() + request) as u64
    }
}

/// A bounded cache; a miss is read from the store.
pub(crate) struct IntroCache {
    /// Counted, because every look takes a copy.
    packed: Cache<JobId, Arc<Packed>, ByBytes>,
    no_params: Arc<Params>,
}

impl IntroCache {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let expected = usize::try_from(bytes_max / 512).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        Self { packed: Cache::with_weighter(expected, bytes_max, ByBytes), no_params: Arc::default() }
    }

    /// A job as its row says.
    pub(crate) fn put(&self, intro: &JobIntro) {
        if let Some(packed) = Packed::of(intro, &self.no_params) {
            // Rows do not say for which request it was; what is known of that stays.
            let origin = self.packed.get(&intro.id).and_then(|known| known.origin.clone());
            self.packed.insert(intro.id, Arc::new(Packed { origin, ..packed }));
        }
    }

    /// A job that is being admitted, for this request.
    pub(crate) fn put_of(&self, intro: &JobIntro, origin: &Origin) {
        if let Some(packed) = Packed::of(intro, &self.no_params) {
            let origin = (*origin != Origin::none()).then(|| origin.clone());
            self.packed.insert(intro.id, Arc::new(Packed { origin, ..packed }));
        }
    }

    /// The request that a job was submitted with, if that is still known.
    pub(crate) fn origin(&self, job: JobId) -> Origin {
        let known = self.packed.get(&job).and_then(|packed| packed.origin.clone());
        known.unwrap_or(Origin::none())
    }

    /// Forgets a job: what its row lost must not be read from here.
    pub(crate) fn forget(&self, job: JobId) {
        self.packed.remove(&job);
    }

    /// The workspace of a job, without looking at its parameters.
    pub(crate) fn workspace(&self, job: JobId) -> Option<WorkspaceId> {
        Some(self.packed.get(&job)?.intro.workspace.clone())
    }

    /// When a job was created, without looking at its parameters.
    pub(crate) fn created_at(&self, job: JobId) -> Option<Millis> {
        Some(self.packed.get(&job)?.intro.created_at)
    }

    pub(crate) fn get(&self, job: JobId) -> Option<Arc<JobIntro>> {
        self.packed.get(&job)?.unpack()
    }
}

#[cfg(test)]
mod tests {
    use reeve_jobs::Sequence;
    use reeve_types::{ActionName, PoolName, TierName};
    use serde_json::json;

    use super::*;

    fn intro(id: u128, prompt: &str) -> JobIntro {
        let per_output = json!({ "stages": [], "charged": [], "partial": false });
        let quote = json!({
            "credits": 0, "outputs": 1, "lines": [], "per_output": per_output, "seconds": null,
            "catalog": "kive", "catalog_version": 1,
        });
        let params = json!({ "prompt": prompt, "strength": 0.1, "parts": [1, { "of": null }] });
        JobIntro {
            id: JobId::from_parts(Millis::from_millis(0), id),
            workspace: WorkspaceId::new("w").unwrap(),
            action: ActionName::new("image.generate").unwrap(),
            pool: PoolName::new("image").unwrap(),
            tier: TierName::new("free").unwrap(),
            member: None,
            priority: 0,
            sequence: Sequence { admitted_at: Millis::from_millis(0), n: 1 },
            outputs: 1,
            work_ms: None,
            queue_deadline_at: Millis::from_millis(1),
            run_timeout_ms: 1,
            attempts_max: 1,
            quote: Arc::new(serde_json::from_value(quote).unwrap()),
            params: Arc::new(params.as_object().unwrap().clone()),
            metadata: Some("{}".into()),
            webhook: None,
            retry_of: None,
            created_at: Millis::from_millis(0),
        }
    }

    #[test]
    fn an_intro_comes_back_whole() {
        let (cache, intro) = (IntroCache::new(1 << 20), intro(1, "a cat \u{1F408} \"quoted\""));
        cache.put(&intro);
        assert_eq!(*cache.get(intro.id).unwrap(), intro);
        assert_eq!(cache.workspace(intro.id).as_ref(), Some(&intro.workspace));
    }

    #[test]
    fn the_request_of_a_job_is_known_until_the_job_is_forgotten() {
        let (cache, intro) = (IntroCache::new(1 << 20), intro(1, "a cat"));
        let origin = Origin { request: Some("order-17".into()), trace: None };
        cache.put_of(&intro, &origin);
        assert_eq!(cache.origin(intro.id), origin);
        cache.put(&intro);
        assert_eq!(cache.origin(intro.id), origin, "a row that was read says nothing of it");
        cache.forget(intro.id);
        cache.put(&intro);
        assert_eq!(cache.origin(intro.id), Origin::none());
    }

    #[test]
    fn the_cache_keeps_to_its_bytes() {
        let (cache, long) = (IntroCache::new(1 << 20), "p".repeat(10_000));
        for id in 0..1_000 {
            cache.put(&intro(id, &long));
        }
        assert!(cache.packed.weight() <= 1 << 20, "{}", cache.packed.weight());
        assert!(cache.packed.len() > 10, "it keeps what fits: {}", cache.packed.len());
    }
}
