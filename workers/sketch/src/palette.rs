//! The colours of a picture, from the words of its prompt.
//!
//! Words we know name a palette; two of them blend. Other prompts get a palette built from their hash
//! by a rule of colour harmony, so every prompt has colours of its own that belong together.

use crate::color::{Lab, Rgb};
use crate::noise::Dice;

/// The colours a scene may use, each with a part to play.
#[derive(Clone, Debug)]
pub struct Palette {
    /// From the zenith down to the horizon.
    pub sky: [Rgb; 4],
    /// From the far ground to the near.
    pub land: [Rgb; 3],
    /// The sun, the moon, lit windows.
    pub light: Rgb,
    /// For what should catch the eye.
    pub accents: [Rgb; 3],
    /// Stars and a moon rather than a sun.
    pub night: bool,
}

struct Row {
    words: &'static [&'static str],
    sky: [u32; 4],
    land: [u32; 3],
    light: u32,
    accents: [u32; 3],
    night: bool,
    /// Speaks of light and weather rather than of a place: its sky wins over a place's.
    mood: bool,
}

const fn row(
    words: &'static [&'static str],
    sky: [u32; 4],
    land: [u32; 3],
    light: u32,
    accents: [u32; 3],
) -> Row {
    Row { words, sky, land, light, accents, night: false, mood: false }
}

const fn mood(row: Row) -> Row {
    Row { mood: true, ..row }
}

const fn dark(row: Row) -> Row {
    Row { night: true, mood: true, ..row }
}

#[rustfmt::skip] // One palette is one glance; broken over many lines the table cannot be compared.
static ROWS: [Row; 20] = [
    mood(row(&["sunset", "dusk", "evening", "warm", "orange"],
        [0x2b1b4d, 0x8a2f6b, 0xe8604c, 0xffc46b], [0x9a4a6e, 0x5a2a56, 0x1c1130], 0xffe9b0, [0xff7a59, 0xffd166, 0x6a4c93])),
    row(&["ocean", "sea", "beach", "wave", "blue", "lagoon", "coast", "water", "lake", "river", "sky", "summer"],
        [0x0e4a7a, 0x2f86b5, 0x8fd0de, 0xf3ead0], [0x3c8ea6, 0x1b5675, 0x06233b], 0xfff4d6, [0x19c3c3, 0xf6ae5b, 0x0b5c8d]),
    row(&["forest", "tree", "wood", "green", "jungle", "garden", "moss", "nature", "leaf", "rainforest"],
        [0x6fa5a0, 0xa8c9b2, 0xdbe5c4, 0xfbf2cf], [0x7ea68a, 0x3c6b52, 0x10281f], 0xfff3c4, [0x4f9d69, 0xd9a441, 0x8cb369]),
    dark(row(&["night", "midnight", "moon", "moonlight", "dark", "star", "starry"],
        [0x050a1f, 0x0d1b42, 0x22386b, 0x4b6394], [0x31487a, 0x18274f, 0x070c1e], 0xf2f0dc, [0x7fa7ff, 0xc3a6ff, 0xffd58a])),
    mood(row(&["gold", "golden", "luxury", "honey", "amber", "treasure", "temple"],
        [0x2a1c0c, 0x6b4514, 0xc98a2b, 0xffe3a1], [0xa36f2a, 0x5c3a14, 0x1d1107], 0xfff2c9, [0xf2b134, 0xfff1c9, 0x8c4a1e])),
    dark(row(&["neon", "cyber", "cyberpunk", "synthwave", "electric", "tokyo", "robot", "arcade", "glitch"],
        [0x0b0221, 0x2a0b5a, 0x7a1fa2, 0xff4fa3], [0x5a1f9a, 0x27105c, 0x08041c], 0x7df9ff, [0xff2e9a, 0x00e5ff, 0xb6ff3c])),
    row(&["snow", "winter", "ice", "frost", "arctic", "glacier", "white", "frozen", "cold", "alpine"],
        [0x5f8fc4, 0x9dc0e0, 0xd5e5f1, 0xffefe6], [0xa9c2db, 0x6487af, 0x22406a], 0xfffaf0, [0x6fb1e0, 0xf4a6a0, 0x3e5c88]),
    row(&["desert", "sand", "dune", "canyon", "sahara", "egypt", "west", "savanna"],
        [0x3f7fb0, 0x9cc0cc, 0xf0d3a7, 0xffe1b5], [0xe0a36b, 0xb9683b, 0x5c2a1c], 0xfff1cf, [0xe0763a, 0x2f8f9d, 0xf7c873]),
    mood(row(&["dawn", "sunrise", "morning", "pastel", "dream", "soft", "cloud"],
        [0x3b4a8f, 0x8d7fc2, 0xf2a7b5, 0xffe0c2], [0x9a86b8, 0x5d5488, 0x1f1f46], 0xfff0dc, [0xffb4a2, 0xb5838d, 0x6d6875])),
    row(&["spring", "blossom", "cherry", "flower", "bloom", "meadow", "sakura", "happy"],
        [0x6fc3ee, 0xb4e0f2, 0xf7d9e8, 0xfff0dc], [0xa8cf9a, 0x5f9f6a, 0x224d3a], 0xfffbe8, [0xff8fab, 0xffd166, 0x7bd389]),
    row(&["autumn", "fall", "harvest", "maple", "october", "rust", "coffee", "wine"],
        [0x5b7c99, 0xb7b9a8, 0xf0c98b, 0xffe6b3], [0xc77b3f, 0x8a3b22, 0x2d130e], 0xfff0c4, [0xd1495b, 0xedae49, 0x7a2e1d]),
    mood(row(&["storm", "rain", "fog", "mist", "grey", "gray", "steel", "cinematic", "moody"],
        [0x1d2733, 0x3d4f60, 0x71828f, 0xc9cbc4], [0x667783, 0x35424e, 0x0f151b], 0xf4efe0, [0x86a5b8, 0xd9c28b, 0x3b5a70])),
    dark(row(&["volcano", "lava", "fire", "hell", "ember", "dragon", "mars", "red"],
        [0x140708, 0x3d0d12, 0x8f1d14, 0xff7a1a], [0x5e1a18, 0x300d10, 0x0d0405], 0xffd27a, [0xff4d1c, 0xffb347, 0x7a1212])),
    dark(row(&["aurora", "northern", "emerald", "borealis"],
        [0x030a1a, 0x082238, 0x0f4152, 0x2b7a78], [0x1c4a5c, 0x0c2533, 0x030a12], 0xe9fff2, [0x3dffa2, 0x2ad4ff, 0xb36bff])),
    mood(row(&["rose", "pink", "love", "romantic", "valentine", "peach", "fashion"],
        [0x5b1f3d, 0xa8416b, 0xee9aa9, 0xffe0d6], [0xb5647f, 0x73304f, 0x2b0f20], 0xfff0ea, [0xe0527d, 0xffc2b5, 0x7a1f4a])),
    row(&["ink", "paper", "zen", "japan", "japanese", "minimal", "sumi", "calligraphy", "haiku"],
        [0xd9d2c3, 0xe6e0d4, 0xefeae0, 0xf7f3ea], [0xa9a59b, 0x5d5b57, 0x1a1a1c], 0xd8402f, [0xc8362b, 0x2b2b2b, 0x8f8a7e]),
    dark(row(&["space", "cosmos", "galaxy", "nebula", "planet", "universe", "astronaut", "alien", "orbit"],
        [0x04030f, 0x120a2e, 0x35155d, 0x7b2d8b], [0x7a3b8f, 0x2e1a5e, 0x0a0620], 0xfff0d8, [0xff8a5c, 0x5ad1ff, 0xd65db1])),
    mood(row(&["lavender", "violet", "purple", "magic", "fantasy", "fairy", "mystic", "wizard"],
        [0x2d1f5e, 0x6a4fa3, 0xb79ad9, 0xf6dcef], [0x8b74b8, 0x4f3b82, 0x1a1236], 0xfff2e0, [0xc77dff, 0xffb3c6, 0x5fd0e0])),
    row(&["tropical", "paradise", "island", "hawaii", "caribbean", "turquoise", "palm"],
        [0x0077b6, 0x22b3cf, 0x90e0d0, 0xffe8b8], [0x4fb39a, 0x1d7a6e, 0x063b3a], 0xfff6cf, [0xff6f61, 0xffd23f, 0x06d6a0]),
    row(&["retro", "vintage", "bauhaus", "poster", "seventies", "geometric", "modern", "design"],
        [0x1f4e5f, 0x4f8a8b, 0xf2c572, 0xfbe8c8], [0xe07a3f, 0xb23a2e, 0x2b2230], 0xfff3d6, [0xe4572e, 0xf3a712, 0x2e86ab]),
];

impl Palette {
    /// The colours for a prompt's words; the dice vary them a little, so that versions differ.
    pub fn for_words(words: &[String], hash: u64, dice: &mut Dice) -> Self {
        let mut known =
            words.iter().filter_map(|word| ROWS.iter().find(|row| row.words.contains(&word.as_str())));
        let base = match (known.next(), known.next()) {
            (Some(place), Some(mood)) if mood.mood && !place.mood => Self::of(place).under(&Self::of(mood)),
            (Some(mood), Some(place)) if mood.mood && !place.mood => Self::of(place).under(&Self::of(mood)),
            (Some(first), Some(second)) => Self::of(first).blended(&Self::of(second), 0.3),
            (Some(only), None) => Self::of(only),
            (None, _) => Self::harmonic(&mut Dice::new(hash)),
        };
        base.varied(dice)
    }

    fn of(row: &Row) -> Self {
        Self {
            sky: row.sky.map(Rgb::hex),
            land: row.land.map(Rgb::hex),
            light: Rgb::hex(row.light),
            accents: row.accents.map(Rgb::hex),
            night: row.night,
        }
    }

    /// One hue leads, its neighbours follow, and one opposite sets accents.
    fn harmonic(dice: &mut Dice) -> Self {
        let hue = dice.range(0.0, 1.0);
        let spread = dice.range(0.06, 0.16) * if dice.flip(0.5) { 1.0 } else { -1.0 };
        let opposite = hue + [0.5, 0.42, 0.33][dice.below(3)];
        let night = dice.flip(0.3);
        let at = |l: f32, chroma: f32, turn: f32| Lab::polar(l, chroma, turn).rgb();
        let (top, bottom) = if night { (0.16, 0.50) } else { (0.38, 0.93) };
        let sky = [0.0_f32, 0.4, 0.75, 1.0].map(|t| {
            let chroma = if night { 0.08 + 0.07 * t } else { 0.12 - 0.07 * t };
            at(top + (bottom - top) * t, chroma, hue + spread * t * 2.0)
        });
        let land = [(0.56, 0.08), (0.36, 0.08), (0.17, 0.04)]
            .map(|(l, chroma): (f32, f32)| at(if night { l * 0.7 } else { l }, chroma, hue + spread));
        let accents = [(0.72, 0.17, opposite), (0.84, 0.13, opposite + spread), (0.55, 0.14, hue)]
            .map(|(l, chroma, turn)| at(l, chroma, turn));
        Self { sky, land, light: at(0.96, 0.05, 0.2 + spread), accents, night }
    }

    fn mapped(&self, change: impl Fn(Rgb) -> Rgb) -> Self {
        Self {
            sky: self.sky.map(&change),
            land: self.land.map(&change),
            light: change(self.light),
            accents: self.accents.map(&change),
            night: self.night,
        }
    }

    fn blended(&self, other: &Self, share: f32) -> Self {
        let mix = |a: Rgb, b: Rgb| a.lab().mix(b.lab(), share).rgb();
        let mut blend = self.clone();
        for (mine, theirs) in
            blend.sky.iter_mut().chain(&mut blend.land).zip(other.sky.iter().chain(&other.land))
        {
            *mine = mix(*mine, *theirs);
        }
        // Accents are taken over whole: blended ones lose the contrast they are there for.
        blend.accents = [self.accents[0], other.accents[0], other.accents[1]];
        blend.night = self.night || other.night;
        blend.light = if other.night && !self.night { other.light } else { self.light };
        blend
    }

    /// A place in the light of a mood: its ground takes some of it, its sky all.
    fn under(&self, mood: &Self) -> Self {
        let mix =
            |i: usize| self.land[i].lab().mix(mood.land[i].lab(), if mood.night { 0.6 } else { 0.4 }).rgb();
        Self {
            sky: mood.sky,
            land: [mix(0), mix(1), mix(2)],
            light: mood.light,
            accents: [mood.accents[0], self.accents[0], mood.accents[1]],
            night: mood.night,
        }
    }

    fn varied(&self, dice: &mut Dice) -> Self {
        let (turn, lift) = (dice.range(-0.025, 0.025), dice.range(-0.02, 0.02));
        self.mapped(|color| {
            let lab = color.lab().turned(turn);
            Lab { l: (lab.l + lift).clamp(0.02, 0.99), ..lab }.rgb()
        })
    }
}

/// The lowercase words of a prompt, without a plural's `s`; at most the first 64.
pub fn words(prompt: &str) -> Vec<String> {
    const WORDS_MAX: usize = 64;
    let pieces = prompt.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty());
    pieces.take(WORDS_MAX).map(|piece| singular(&piece.to_lowercase())).collect()
}

fn singular(word: &str) -> String {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') && !stem.ends_with('u') => stem.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_capitals_find_their_palette() {
        assert_eq!(words("Misty FORESTS, glass\0and waves"), ["misty", "forest", "glass", "and", "wave"]);
    }

    #[test]
    fn no_word_names_two_palettes() {
        let mut all: Vec<&str> = ROWS.iter().flat_map(|row| row.words.iter().copied()).collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    #[test]
    fn a_blend_of_a_day_and_a_night_is_a_night() {
        let palette = Palette::for_words(&words("neon ocean"), 1, &mut Dice::new(1));
        assert!(palette.night);
    }

    #[test]
    fn an_unknown_prompt_has_a_sky_that_brightens_towards_the_horizon() {
        for hash in 0..50 {
            let palette = Palette::for_words(&words("qwx"), hash, &mut Dice::new(hash));
            assert!(palette.sky[0].luminance() < palette.sky[3].luminance());
        }
    }
}
