//! Arguments of the long runs, the same for each of them.

/// How much, from which seed, on what.
#[derive(Clone, Debug)]
pub struct Args {
    pub commands: u64,
    pub seed: u64,
    /// One setting by its name; all when `None`.
    pub catalog: Option<String>,
    /// Steps of one life.
    pub length: usize,
}

impl Args {
    /// Reads `--commands N --seed N --catalog NAME --length N`; what is not given has a default.
    pub fn from_env() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let value = |name: &str| {
            let place = args.iter().position(|arg| arg == name)?;
            args.get(place + 1).cloned()
        };
        let number =
            |name: &str, default: u64| value(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        Self {
            commands: number("--commands", 100_000),
            seed: number("--seed", 1),
            catalog: value("--catalog"),
            length: number("--length", 250) as usize,
        }
    }
}
