//! Renders a list of prompts into a directory and says how long each took:
//! `cargo run --release -p reeve-sketch --example gallery -- DIR ["prompt" ...]`.

#![expect(clippy::disallowed_methods, reason = "says how long a picture took")]

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use reeve_sketch::{Rendered, Task, render};
use serde_json::{Map, Value, json};

const PROMPTS: [&str; 16] = [
    "mountains at sunset",
    "a lake in the alps, winter snow",
    "misty forest at dawn",
    "neon city in the rain",
    "golden city by the sea",
    "ringed planet in a violet nebula",
    "sailing boat on the ocean at sunset",
    "night sea under the moon",
    "desert dunes, sahara",
    "aurora over the fjord",
    "silk ribbons, rose and gold",
    "ink ribbons on paper",
    "gold marble texture",
    "abstract bauhaus poster",
    "a cat reading a book",
    "autumn valley",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let folder = given.next().ok_or("usage: gallery DIR [PROMPT ...]")?;
    let mut prompts: Vec<String> = given.collect();
    if prompts.is_empty() {
        prompts = PROMPTS.iter().map(|prompt| (*prompt).to_owned()).collect();
    }
    std::fs::create_dir_all(&folder)?;
    let size: u32 = std::env::var("SIZE").ok().and_then(|size| size.parse().ok()).unwrap_or(512);
    let action = std::env::var("ACTION").unwrap_or_else(|_| "image.generate".to_owned());
    let mut sheet = Sheet::new(prompts.len());
    for (number, prompt) in prompts.iter().enumerate() {
        let mut params: Map<String, Value> = Map::new();
        params.insert("prompt".to_owned(), json!(prompt));
        if action.starts_with("image.") {
            params.insert("width".to_owned(), json!(size));
            params.insert("height".to_owned(), json!(size));
        } else {
            params.insert("seconds".to_owned(), json!(3));
        }
        let task = Task { action: &action, params: &params, output: 0, attempt: 1, input: None };
        let began = Instant::now();
        let rendered = render(&task, &mut |_| ControlFlow::Continue(()))?;
        let took_ms = began.elapsed().as_millis();
        if let Rendered::Landed(artifact) = rendered {
            println!("{took_ms:5} ms  {:8} bytes  {number:02} {prompt}", artifact.bytes.len());
            sheet.place(number, &artifact.bytes)?;
            std::fs::write(Path::new(&folder).join(format!("{number:02}.png")), artifact.bytes)?;
        }
    }
    sheet.0.save(Path::new(&folder).join("sheet.png"))?;
    Ok(())
}

/// All pictures side by side, four in a row.
struct Sheet(image::RgbImage);

impl Sheet {
    const SIDE: u32 = 400;

    fn new(count: usize) -> Self {
        let rows = (count as u32).div_ceil(4);
        Self(image::RgbImage::new(Self::SIDE * 4, Self::SIDE * rows))
    }

    fn place(&mut self, number: usize, png: &[u8]) -> Result<(), image::ImageError> {
        let small = image::load_from_memory(png)?.thumbnail(Self::SIDE, Self::SIDE).into_rgb8();
        let (column, row) = (number as u32 % 4, number as u32 / 4);
        image::imageops::replace(
            &mut self.0,
            &small,
            (column * Self::SIDE).into(),
            (row * Self::SIDE).into(),
        );
        Ok(())
    }
}
