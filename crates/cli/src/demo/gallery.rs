//! A page of what was made: every landed output as a file, and one HTML file to look at them.

use std::fs;
use std::path::Path;

use reeve_client::Client;
use reeve_protocol::OutputStatus;

use super::cast::{CAST, Member};
use super::play::{Ended, Played, charged};
use crate::commands::submit::extension;
use crate::exit::Failure;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Reeve: what the demonstration made</title>
<style>
:root { color-scheme: dark }
body { margin: 3rem auto; max-width: 76rem; padding: 0 1.5rem; background: #14151a; color: #e8e6e1;
       font: 15px/1.5 system-ui, sans-serif }
h1 { font-weight: 600; font-size: 1.6rem } h2 { margin: 2.5rem 0 .8rem; font-size: 1.1rem; font-weight: 600 }
h2 small, figcaption small { color: #9a978f; font-weight: 400 }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem }
figure { margin: 0; background: #1d1f26; border-radius: 8px; overflow: hidden }
img { display: block; width: 100%; aspect-ratio: 4/3; object-fit: cover }
figcaption { padding: .6rem .8rem .8rem } figcaption small { display: block }
</style></head><body>
<h1>What the demonstration made</h1>
<p>Drawn by a procedural renderer from words and seeds; there is no machine learning in it.</p>
"#;

/// Fetches every output into `folder/<workspace>/` and writes `folder/index.html`. Answers how many there are.
///
/// # Errors
/// An output cannot be fetched or written.
pub async fn hang(client: &Client, played: &mut Played, folder: &Path) -> Result<usize, Failure> {
    played.jobs.sort_by_key(|ended| ended.job.id);
    let mut page = HEAD.to_owned();
    let mut count = 0;
    for member in &CAST {
        let jobs: Vec<&Ended> =
            played.jobs.iter().filter(|ended| ended.scene.workspace == member.id).collect();
        let figures = room(client, member, &jobs, folder).await?;
        count += figures.len();
        let plan = format!("{} {}", member.catalog, member.plan);
        let (id, row) = (member.id, figures.concat());
        page.push_str(&format!("<h2>{id} <small>{plan}</small></h2>\n<div class=\"row\">\n{row}</div>\n"));
    }
    page.push_str("</body></html>\n");
    write_file(&folder.join("index.html"), page.as_bytes())?;
    Ok(count)
}

/// The files of one workspace; the page's part for each.
async fn room(
    client: &Client,
    member: &Member,
    jobs: &[&Ended],
    folder: &Path,
) -> Result<Vec<String>, Failure> {
    let mut figures = Vec::new();
    for ended in jobs {
        for one in ended.job.outputs.iter().filter(|one| one.status == OutputStatus::Landed) {
            let got = client.output(ended.job.id, one.index).await?;
            let name = format!("{:02}.{}", figures.len() + 1, extension(got.content_type.as_deref()));
            write_file(&folder.join(member.id).join(&name), &got.bytes)?;
            figures.push(figure(&format!("{}/{name}", member.id), ended));
        }
    }
    Ok(figures)
}

fn figure(path: &str, ended: &Ended) -> String {
    let about = escape(ended.scene.about());
    let picture = if path.ends_with(".json") {
        format!("<a href=\"{path}\">{path}</a>")
    } else {
        format!("<a href=\"{path}\"><img src=\"{path}\" alt=\"{about}\" loading=\"lazy\"></a>")
    };
    let cost = format!("{} · job of {} credits", escape(ended.scene.action), charged(&ended.job));
    format!("<figure>{picture}<figcaption>{about}<small>{cost}</small></figcaption></figure>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, bytes)
    };
    write().map_err(|e| Failure::environment(&format!("cannot write `{}`", path.display()), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_cannot_break_out_of_the_page() {
        assert_eq!(escape("<script>\"&"), "&lt;script&gt;&quot;&amp;");
    }
}
