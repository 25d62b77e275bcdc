//! What never changes of jobs that live, bounded by bytes: leases and answers need it, rows have it.
//!
//! A job leaves when it is final. Those that nobody needs any more would else fill it, and push out the ones that wait:
//! each of them then had to be read when it was leased, and once more when it was done.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use reeve_telemetry::Origin;
use reeve_types::{JobId, WorkspaceId};
use reeve_workspace::JobIntro;

/// A job that is remembered.
struct Known {
    intro: Arc<JobIntro>,
    /// The request that it was submitted with; `None` once it was read back from its row, which does not have it.
    origin: Option<Origin>,
}

/// What a job takes besides its texts: itself and its intro in a counted box each, and its places in the cache.
const FIXED_BYTES: usize = size_of::<Known>() + size_of::<JobIntro>() + 160;
/// The counted box of a request's id.
const REQUEST_BYTES: usize = 32;

#[derive(Clone)]
struct ByBytes;

impl Weighter<JobId, Arc<Known>> for ByBytes {
    fn weight(&self, _: &JobId, known: &Arc<Known>) -> u64 {
        let intro = &known.intro;
        let texts: usize =
            [&intro.metadata, &intro.webhook].into_iter().flatten().map(|text| text.len()).sum();
        let request = known.origin.as_ref().and_then(|origin| origin.request.as_ref());
        let request = request.map_or(0, |request| REQUEST_BYTES + request.len());
        (FIXED_BYTES + texts + intro.params.as_str().len() + request) as u64
    }
}

/// A bounded cache; a miss is read from the store.
pub(crate) struct IntroCache {
    /// Counted, because every look takes a copy.
    known: Cache<JobId, Arc<Known>, ByBytes>,
}

impl IntroCache {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let expected = usize::try_from(bytes_max / 512).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        Self { known: Cache::with_weighter(expected, bytes_max, ByBytes) }
    }

    /// A job as its row says.
    pub(crate) fn put(&self, intro: &Arc<JobIntro>) {
        // Rows do not say for which request it was; what is known of that stays.
        let origin = self.known.get(&intro.id).and_then(|known| known.origin.clone());
        self.known.insert(intro.id, Arc::new(Known { intro: intro.clone(), origin }));
    }

    /// A job that is leased, unless it is there.
    pub(crate) fn keep(&self, intro: &Arc<JobIntro>) {
        if self.known.peek(&intro.id).is_none() {
            self.put(intro);
        }
    }

    /// A job that is being admitted, for this request.
    pub(crate) fn put_of(&self, intro: &Arc<JobIntro>, origin: &Origin) {
        let origin = (*origin != Origin::none()).then(|| origin.clone());
        self.known.insert(intro.id, Arc::new(Known { intro: intro.clone(), origin }));
    }

    /// The request that a job was submitted with, if that is still known.
    pub(crate) fn origin(&self, job: JobId) -> Origin {
        let known = self.known.get(&job).and_then(|known| known.origin.clone());
        known.unwrap_or(Origin::none())
    }

    /// Forgets a job that is final.
    pub(crate) fn forget(&self, job: JobId) {
        self.known.remove(&job);
    }

    /// The workspace of a job.
    pub(crate) fn workspace(&self, job: JobId) -> Option<WorkspaceId> {
        Some(self.known.get(&job)?.intro.workspace.clone())
    }

    pub(crate) fn get(&self, job: JobId) -> Option<Arc<JobIntro>> {
        Some(self.known.get(&job)?.intro.clone())
    }
}

#[cfg(test)]
mod tests {
    use reeve_jobs::Sequence;
    use reeve_types::{ActionName, Millis, ObjectText, PoolName, TierName};
    use serde_json::json;

    use super::*;

    fn intro(id: u128, prompt: &str) -> Arc<JobIntro> {
        let per_output = json!({ "stages": [], "charged": [], "partial": false });
        let quote = json!({
            "credits": 0, "outputs": 1, "lines": [], "per_output": per_output, "seconds": null,
            "catalog": "kive", "catalog_version": 1,
        });
        let params = json!({ "prompt": prompt, "strength": 0.1, "parts": [1, { "of": null }] });
        Arc::new(JobIntro {
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
            params: ObjectText::of(params.as_object().unwrap()).unwrap(),
            metadata: Some("{}".into()),
            webhook: None,
            retry_of: None,
            created_at: Millis::from_millis(0),
        })
    }

    #[test]
    fn an_intro_comes_back_whole() {
        let (cache, intro) = (IntroCache::new(1 << 20), intro(1, "a cat \u{1F408} \"quoted\""));
        cache.put(&intro);
        assert_eq!(cache.get(intro.id).unwrap(), intro);
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
        assert!(cache.known.weight() <= 1 << 20, "{}", cache.known.weight());
        assert!(cache.known.len() > 10, "it keeps what fits: {}", cache.known.len());
    }
}
