//! `asset.upload` and `asset.download`: nothing to render, so the output is a receipt.

use serde_json::json;

use crate::noise::hash_bytes;
use crate::progress::{Halt, Progress};
use crate::{Artifact, Task};

/// Says what was received: the action, its size in bytes and a checksum (FNV-1a, not a security hash).
pub fn receipt(task: &Task, progress: &mut Progress) -> Result<Artifact, Halt> {
    let input = task.input.unwrap_or_default();
    let document = json!({
        "kind": "receipt",
        "action": task.action,
        "input_bytes": input.len(),
        "input_fnv1a": format!("{:016x}", hash_bytes(input)),
    });
    progress.step(1, 1, "noting")?;
    Ok(Artifact { content_type: "application/json", bytes: document.to_string().into_bytes(), units: None })
}
