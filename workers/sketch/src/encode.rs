//! Files from canvases: PNG for stills, animated PNG for videos, and pixels from the files people send.

use std::io::Cursor;

use image::{ImageReader, Limits, RgbaImage};

use crate::RenderError;
use crate::canvas::{CHANNELS, Canvas};
use crate::params::Size;

/// Largest side of an input or of an enlarged picture, in pixels.
pub const SIDE_MAX: u32 = 4096;
/// Most memory a decoder may take, in bytes: a small file can unpack to anything.
const DECODE_BYTES_MAX: u64 = 256 << 20;

/// A still as a PNG file.
pub fn png(canvas: &Canvas) -> Result<Vec<u8>, RenderError> {
    let mut bytes = Vec::new();
    let mut writer = encoder(&mut bytes, canvas.size).write_header().map_err(broken)?;
    writer.write_image_data(&canvas.bytes).map_err(broken)?;
    writer.finish().map_err(broken)?;
    Ok(bytes)
}

/// A video as an animated PNG that repeats for ever: browsers play it without plug-ins.
///
/// The first frame is also what readers without animation show.
pub fn animated_png(frames: &[(Canvas, u16)]) -> Result<Vec<u8>, RenderError> {
    let mut bytes = Vec::new();
    let Some((first, _)) = frames.first() else {
        return Err(RenderError::Encoding { reason: "a video without frames".to_owned() });
    };
    let mut encoder = encoder(&mut bytes, first.size);
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    encoder.set_animated(count, 0).map_err(broken)?;
    let mut writer = encoder.write_header().map_err(broken)?;
    for (canvas, delay_ms) in frames {
        writer.set_frame_delay(*delay_ms, 1000).map_err(broken)?;
        writer.write_image_data(&canvas.bytes).map_err(broken)?;
    }
    writer.finish().map_err(broken)?;
    Ok(bytes)
}

fn encoder(out: &mut Vec<u8>, size: Size) -> png::Encoder<'static, &mut Vec<u8>> {
    let mut encoder = png::Encoder::new(out, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder
}

fn broken(error: png::EncodingError) -> RenderError {
    RenderError::Encoding { reason: error.to_string() }
}

/// What decoders may use.
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    limits
}

/// The pixels of a PNG, JPEG, WebP or GIF file (its first frame), laid over white.
pub fn decode(bytes: &[u8]) -> Result<Canvas, RenderError> {
    let refuse = |reason: String| RenderError::BadInput { reason };
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| refuse(error.to_string()))?;
    reader.limits(limits());
    let picture = reader.decode().map_err(|error| refuse(error.to_string()))?;
    over_white(&picture.into_rgba8()).ok_or_else(|| refuse("the picture has no pixels".to_owned()))
}

/// The pixels laid over white; `None` when there are none.
pub fn over_white(picture: &RgbaImage) -> Option<Canvas> {
    let size = Size { width: picture.width(), height: picture.height() };
    if size.width == 0 || size.height == 0 {
        return None;
    }
    let mut canvas = Canvas::new(size);
    for (target, pixel) in canvas.bytes.chunks_exact_mut(CHANNELS).zip(picture.pixels()) {
        let [r, g, b, alpha] = pixel.0.map(u32::from);
        for (byte, channel) in target.iter_mut().zip([r, g, b]) {
            *byte = ((channel * alpha + 255 * (255 - alpha)) / 255) as u8;
        }
    }
    Some(canvas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_still_comes_back_as_it_was() {
        let mut canvas = Canvas::new(Size { width: 17, height: 9 });
        for (i, byte) in canvas.bytes.iter_mut().enumerate() {
            *byte = (i * 7 % 256) as u8;
        }
        assert_eq!(decode(&png(&canvas).unwrap()).unwrap(), canvas);
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        for junk in [&b""[..], b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a\xff\xff\xff\xff"] {
            assert!(matches!(decode(junk), Err(RenderError::BadInput { .. })));
        }
        let wide = png(&Canvas::new(Size { width: SIDE_MAX + 1, height: 1 })).unwrap();
        assert!(matches!(decode(&wide), Err(RenderError::BadInput { .. })));
    }

    #[test]
    fn clear_pixels_become_white() {
        let clear = RgbaImage::from_pixel(2, 2, image::Rgba([9, 9, 9, 0]));
        assert_eq!(over_white(&clear).unwrap().bytes, vec![255; 12]);
    }
}
