//! What a process has used so far, from `/proc`; nothing where there is no such folder.

use std::fs;
use std::path::Path;

/// Length of a tick in `/proc/<pid>/stat`: Linux shows 100 a second on every machine.
const TICK_MS: u64 = 10;

/// What a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Processor time of all its threads.
    pub(super) cpu_ms: u64,
    pub(super) rss_peak_bytes: u64,
    /// Bytes sent to the disk, pages that were only made dirty included.
    pub(super) disk_bytes: u64,
}

/// What this process has used; `None` when the system does not tell.
pub(super) fn usage(pid: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    Some(Usage {
        cpu_ms: cpu_ms(&stat)?,
        rss_peak_bytes: rss_peak_bytes(&status)?,
        disk_bytes: field(&io, "write_bytes:")?,
    })
}

/// User and system time are fields 14 and 15; the name in field 2 may have spaces and brackets.
fn cpu_ms(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)?.checked_mul(TICK_MS)
}

/// The number after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

fn rss_peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Bytes of all files below a folder; files that vanish meanwhile count nothing.
pub(super) fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "42 (a) b)) S 1 1 1 0 -1 4194560 5 0 0 0 250 31 0 0 20 0 3 0 100 1000 10";
        assert_eq!(cpu_ms(stat), Some(2_810));
        assert_eq!(cpu_ms("42 a"), None);
    }

    #[test]
    fn bytes_that_were_cancelled_are_another_line() {
        let io = "wchar: 1\nread_bytes: 2\nwrite_bytes: 4096\ncancelled_write_bytes: 7\n";
        assert_eq!(field(io, "write_bytes:"), Some(4_096));
        assert_eq!(field("", "write_bytes:"), None);
    }

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(rss_peak_bytes("Name:\tx\nVmPeak:\t9 kB\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(rss_peak_bytes("Name:\tx\n"), None);
    }
}
