//! The `reeve` binary; everything is in the library of this package.

fn main() -> std::process::ExitCode {
    reeve_cli::main()
}
