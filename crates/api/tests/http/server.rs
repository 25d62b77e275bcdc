//! A server on a free port, and a client that knows its keys.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use reeve_actors::{
    CatalogFile, ClockSource, Engine, EngineSettings, Entropy, ManualClock, Parts, TierSettings,
};
use reeve_api::{
    ApiSettings, ApiState, KeySpec, KeyTable, OnProgress, RoleRates, ServerOptions, VerifyPort,
    key_of_secret, serve,
};
use reeve_artifacts::Artifacts;
use reeve_journal::{MemoryJournal, Role};
use reeve_protocol::VerifyCheck;
use reeve_types::{Clock, KeyId, Millis, TierName, WorkspaceId};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::sync::oneshot;

pub const ADMIN: &str = "admin-secret";
pub const WORKER: &str = "worker-secret";
pub const TENANT: &str = "tenant-secret";
/// The workspace of the tenant's key.
pub const OWN: &str = "own";

struct TestClock;

impl Clock for TestClock {
    #[expect(clippy::disallowed_methods, reason = "a composition root, as the binary's")]
    fn now(&self) -> Millis {
        Millis::from_utc(std::time::SystemTime::now().into())
    }
}

/// Unique is enough here.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn bits(&self) -> u128 {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

struct NothingToCheck;

impl VerifyPort for NothingToCheck {
    fn run(&self, _: OnProgress) -> BoxFuture<'static, Result<Vec<VerifyCheck>, String>> {
        let check = VerifyCheck { name: "L1".to_owned(), ok: true, checked: 3, detail: None };
        Box::pin(async move { Ok(vec![check]) })
    }
}

/// Runs beside the test.
#[expect(clippy::disallowed_methods, reason = "the one place of these tests that spawns")]
pub fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

/// Stops a server without blocking the thread that its clients run on.
#[expect(clippy::disallowed_methods, reason = "joining the server's thread blocks")]
pub async fn stop(server: Server) {
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
}

/// A running server; it stops when it is dropped.
pub struct Server {
    pub base: String,
    /// Behind it.
    pub engine: Engine,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _files: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// A server whose settings are changed first.
    pub fn with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        Self::on(ClockSource::System(Arc::new(TestClock)), change)
    }

    /// A server whose clock stands at this instant until it is moved.
    pub fn at(instant: &str) -> Self {
        let at = instant.parse::<reeve_protocol::At>().unwrap().millis();
        Self::on(ClockSource::Manual(Arc::new(ManualClock::at(at))), |_| {})
    }

    fn on(clock: ClockSource, change: impl FnOnce(&mut ApiSettings)) -> Self {
        let mut settings = ApiSettings::new([9; 32]);
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let files = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::local(files.path()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let state = Arc::new(state(artifacts, settings, clock).await);
                ready.send(state.engine.clone()).unwrap();
                let options = ServerOptions { workers: 1, stop_seconds: 5, ..ServerOptions::default() };
                let shutdown = async { drop(stopped.await) };
                serve(state.clone(), listener, options, shutdown).await.unwrap();
                state.engine.stop();
            });
        });
        let engine = is_ready.recv().unwrap();
        // Whoever was first has set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self { base, engine, client, stop: Some(stop), thread: Some(thread), _files: files }
    }

    /// A request with a key.
    pub fn request(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(key)
    }

    /// A request without a key.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path, ADMIN)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path, ADMIN).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path, ADMIN)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PATCH, path, ADMIN).json(&body)).await
    }

    /// Moves the clock to an instant.
    pub async fn clock(&self, now: &str) {
        let moved = self.post("/v1/clock", serde_json::json!({"now": now})).await;
        assert_eq!(moved.status, 200, "{:?}", moved.json);
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path, ADMIN).json(&body)).await
    }

    pub async fn work(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path, WORKER).json(&body)).await
    }

    /// A workspace on the plan with the most.
    pub async fn workspace(&self, id: &str) {
        let created = self
            .post("/v1/workspaces", serde_json::json!({"id": id, "catalog": "kive", "plan": "pro"}))
            .await;
        assert_eq!(created.status, 201, "{:?}", created.json);
    }

    /// A job of one image.
    pub async fn submit(&self, workspace: &str) -> String {
        let body =
            serde_json::json!({"action": "image.generate", "params": {"outputs": 1, "prompt": "a fox"}});
        let admitted = self.post(&format!("/v1/workspaces/{workspace}/jobs"), body).await;
        assert_eq!(admitted.status, 201, "{:?}", admitted.json);
        admitted.json["id"].as_str().unwrap().to_owned()
    }

    /// One lease of one image job.
    pub async fn lease(&self) -> Value {
        let body = serde_json::json!({"worker": "w1", "session": "s1", "pools": ["image"], "slots": 1, "wait_seconds": 10});
        let leased = self.work("/v1/worker/leases", body).await;
        assert_eq!(leased.status, 200, "{:?}", leased.json);
        leased.json["leases"][0].clone()
    }

    /// Runs a leased job to its end with these bytes.
    pub async fn complete(&self, lease: &Value, bytes: &'static [u8]) -> Answer {
        let lease = lease["lease"].as_str().unwrap();
        let put = self.request(Method::PUT, &format!("/v1/worker/leases/{lease}/outputs/0"), WORKER);
        let uploaded = Answer::of(put.header("Content-Type", "image/png").body(bytes)).await;
        assert_eq!(uploaded.status, 201, "{:?}", uploaded.json);
        let body = serde_json::json!({"outputs": [{"index": 0, "outcome": "landed"}]});
        self.work(&format!("/v1/worker/leases/{lease}/complete"), body).await
    }

    /// Stops the server in order and waits for it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

async fn state(artifacts: Artifacts, settings: ApiSettings, clock: ClockSource) -> ApiState {
    let texts = [
        include_str!("../../../../config/catalogs/kive.toml"),
        include_str!("../../../../config/catalogs/kreatorflow.toml"),
        include_str!("../../../../config/catalogs/kaiber.toml"),
        include_str!("../../../../config/catalogs/ai-studios.toml"),
    ];
    let tier = |name: &str| TierSettings {
        name: TierName::new(name).unwrap(),
        weight: 1,
        floor_permille: 50,
        express_permille: 0,
        running_max: 10,
        queued_max: 100,
    };
    let journal = MemoryJournal::new();
    let engine = Engine::start(Parts {
        settings: EngineSettings {
            tiers: ["free", "standard", "pro", "instant"].map(tier).to_vec(),
            ..EngineSettings::default()
        },
        catalogs: texts.map(|text| CatalogFile::parse("catalog", text, None).unwrap()).to_vec(),
        journal: journal.clone(),
        reader: journal,
        clock,
        entropy: Arc::new(Counting(AtomicU64::new(1))),
    });
    let own = Some(WorkspaceId::new(OWN).unwrap());
    let keys =
        [(1, ADMIN, Role::Admin, None), (2, WORKER, Role::Worker, None), (3, TENANT, Role::Workspace, own)];
    let rows = keys.map(|(n, secret, role, workspace)| {
        let spec = KeySpec { workspace, name: secret.to_owned(), ..KeySpec::of(role) };
        key_of_secret(KeyId::from_parts(Millis::from_millis(0), n), spec, secret, Millis::from_millis(0))
    });
    let keys = KeyTable::new(rows, RoleRates::default());
    ApiState::new(engine.await.unwrap(), artifacts, keys, Arc::new(NothingToCheck), settings)
}

/// An answer with its body read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
    /// Null when the body is not JSON.
    pub json: Value,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        Self::read(request.send().await.unwrap()).await
    }

    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status, headers, bytes, json }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn code(&self) -> (u16, &str) {
        (self.status, self.json["code"].as_str().unwrap_or_default())
    }
}
