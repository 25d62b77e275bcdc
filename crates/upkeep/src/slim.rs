//! What is left of a job that loses something: figures, sizes and digests, but no text and no address.

use std::sync::Arc;

use reeve_jobs::{Output, OutputState, Place};
use reeve_journal::{JobRecord, Shed, ShedJob};
use reeve_workspace::SettledOutput;

/// The job after it has lost `more` too.
pub(crate) fn shed(record: &JobRecord, more: Shed) -> ShedJob {
    let shed = record.shed.and(more);
    let outputs = record.state.outputs.iter().cloned().map(|output| slim(output, shed)).collect();
    ShedJob { id: record.intro.id, shed, outputs }
}

fn slim(settled: SettledOutput, shed: Shed) -> SettledOutput {
    let SettledOutput { output: Output { index, state }, credits } = settled;
    let state = match state {
        OutputState::Filtered { .. } if shed.content => OutputState::Filtered { reason: None },
        OutputState::Failed { .. } if shed.content => OutputState::Failed { reason: None },
        OutputState::Landed { place: Place::Elsewhere { sha256, size, .. }, units, stages }
            if shed.outputs =>
        {
            // The bytes are another store's to remove; that nothing leads to them any more is ours.
            OutputState::Landed {
                place: Place::Elsewhere { url: Arc::default(), sha256, size },
                units,
                stages,
            }
        }
        other => other,
    };
    SettledOutput { output: Output { index, state }, credits }
}

#[cfg(test)]
mod tests {
    use reeve_jobs::Digest;
    use reeve_types::Credits;

    use super::*;

    fn settled(state: OutputState) -> SettledOutput {
        SettledOutput { output: Output { index: 1, state }, credits: Credits::from_micros(8) }
    }

    #[test]
    fn texts_and_addresses_go_and_figures_stay() {
        let place =
            Place::Elsewhere { url: "https://example.com/a".into(), sha256: Digest([3; 32]), size: 9 };
        let landed = settled(OutputState::Landed { place, units: Some(2.5), stages: Vec::new() });
        let failed = settled(OutputState::Failed { reason: Some("a face".into()) });
        let kept = slim(landed.clone(), Shed { content: true, outputs: false });
        assert_eq!(kept, landed, "the address is how its outputs are read");
        let OutputState::Landed { place: Place::Elsewhere { url, sha256, size }, units, .. } =
            slim(landed, Shed::ALL).output.state
        else {
            unreachable!("it landed")
        };
        assert_eq!((&*url, sha256, size, units), ("", Digest([3; 32]), 9, Some(2.5)));
        assert_eq!(slim(failed, Shed::ALL), settled(OutputState::Failed { reason: None }));
    }
}
