//! What the documents show can be done as it stands there: a catalog, a worker, the command line.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::fixture::{Server, Tenant, eventually, reeve, verify};

const WORKER_KEY: &str = "worker-key-of-the-tests-0123456789abcdef";

/// The block of code below a mark on a page.
fn block(page: &str, mark: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(&format!("<!-- {mark} -->\n```")).unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("\n```\n").unwrap().0.to_owned()
}

#[test]
fn the_catalog_of_the_guide_passes_its_check() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::create_dir(folder.path().join("examples")).unwrap();
    for file in ["studio.toml", "examples/studio.toml"] {
        std::fs::write(folder.path().join(file), block("writing-a-catalog.md", file)).unwrap();
    }
    let mut check = Command::new(reeve());
    let said = check.args(["catalog", "check", "studio.toml"]).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(0), "{text}");
    assert!(text.contains('2'), "both examples were run: {text}");
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_of_the_guide_delivers_what_is_charged() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no python3");
        return;
    }
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 100).await;
    let file = server.folder().join("worker.py");
    std::fs::write(&file, block("writing-a-worker.md", "worker.py")).unwrap();
    let mut worker = Command::new("python3");
    worker.arg(&file).env("REEVE_URL", &server.url).env("REEVE_KEY", WORKER_KEY);
    let _worker = Running(worker.stdout(Stdio::null()).spawn().unwrap());
    let request = json!({"action": "image.generate", "params": {"prompt": "a lighthouse", "outputs": 2}});
    let job = tenant.admitted(request).await;
    let view = tenant.finished(&job, 60).await;
    assert_eq!((&view["status"], &view["credits"]["settled"]), (&json!("succeeded"), &json!(16)), "{view:#}");
    let output = api.get(&format!("/v1/jobs/{job}/outputs/1")).await;
    assert_eq!(&output.body[..], b"image.generate 1: a lighthouse");
    verify(&api).await;
}

/// The table stands in docs/cli.md. Exit code 4 needs a second server on a database: `postgres::standby` has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_end_with_the_exit_codes_of_the_table() {
    let server = Server::start();
    let key = "admin-key-of-the-tests-0123456789abcdef";
    let code = |url: &str, args: &[&str]| {
        let mut command = Command::new(reeve());
        command.args(args).env("REEVE_URL", url).env("REEVE_KEY", key);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().code()
    };
    let nowhere = "http://127.0.0.1:9";
    let nobody = ["workspace", "show", "nobody"];
    let ends = tokio::task::block_in_place(|| {
        [
            code(&server.url, &["health"]),
            code(&server.url, &nobody),
            code(&server.url, &["workspace", "shwo"]),
            code(nowhere, &["health"]),
            code(nowhere, &["health", "--live"]),
        ]
    });
    assert_eq!(ends, [0, 1, 2, 3, 3].map(Some));
}

#[test]
fn the_program_makes_its_manual_pages_and_completions() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let man =
        Command::new(reeve()).args(["man", "--dir", "man"]).current_dir(folder.path()).status().unwrap();
    assert!(man.success());
    for page in ["reeve.1", "reeve-serve.1", "reeve-catalog-check.1"] {
        let text = std::fs::read_to_string(folder.path().join("man").join(page)).unwrap();
        assert!(text.contains(".TH") && text.contains(".SH"), "{page}: {text}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = Command::new(reeve()).args(["completions", shell]).output().unwrap();
        let text = String::from_utf8(script.stdout).unwrap();
        assert!(script.status.success() && text.contains("reeve") && text.contains("simulate"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_a_server_that_serves_from_one_that_stops() {
    let mut server = Server::start();
    let ask = |url: &str| {
        let said = Command::new(reeve()).args(["health", "--url", url]).output().unwrap();
        (said.status.code(), String::from_utf8_lossy(&said.stdout).into_owned())
    };
    let (code, said) = tokio::task::block_in_place(|| ask(&server.url));
    assert!(code == Some(0) && said.starts_with("ok "), "{said}");
    server.terminate(30).await;
    eventually("an answer that it is gone", 20, || async {
        let (code, _) = tokio::task::block_in_place(|| ask(&server.url));
        (code == Some(3)).then_some(())
    })
    .await;
}
