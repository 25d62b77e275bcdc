//! What never changes of recent jobs, bounded by bytes: leases and pages need it, rows have it.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use reeve_types::JobId;
use reeve_workspace::JobIntro;

#[derive(Clone)]
struct ByBytes;

impl Weighter<JobId, Arc<JobIntro>> for ByBytes {
    fn weight(&self, _: &JobId, intro: &Arc<JobIntro>) -> u64 {
        // A rough size: fixed parts, texts as they are, each parameter with the overhead of its map entry.
        let texts = intro.metadata.as_ref().map_or(0, |text| text.len());
        let params: usize =
            intro.params.iter().map(|(name, value)| 96 + name.len() + value_bytes(value)).sum();
        (640 + texts + params) as u64
    }
}

fn value_bytes(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(items) => items.iter().map(|item| 32 + value_bytes(item)).sum(),
        serde_json::Value::Object(map) => {
            map.iter().map(|(name, value)| 96 + name.len() + value_bytes(value)).sum()
        }
        _ => 0,
    }
}

/// A bounded cache; a miss is read from the store.
pub(crate) struct IntroCache(Cache<JobId, Arc<JobIntro>, ByBytes>);

impl IntroCache {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let expected = usize::try_from(bytes_max / 1_024).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        Self(Cache::with_weighter(expected, bytes_max, ByBytes))
    }

    pub(crate) fn put(&self, intro: Arc<JobIntro>) {
        self.0.insert(intro.id, intro);
    }

    pub(crate) fn get(&self, job: JobId) -> Option<Arc<JobIntro>> {
        self.0.get(&job)
    }
}
