//! A picture in small, made when it is first asked for and kept beside the picture's content, with which it goes. Who may have it
//! is whoever may read the file: the caller has asked.
//!
//! A picture is decoded under limits of its sides, its pixels and the memory that takes, by few at once. One that cannot be made
//! small is noted as such, so that nobody has it tried again and again. What a camera has noted in a picture, such as where it was
//! taken, does not go into the small one.

use std::io::{Cursor, Read as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use sunlit_domain::Scope;
use sunlit_storage::StorageError;
use sunlit_storage::blobs::BlobReader;
use sunlit_storage::tenant::file;

use crate::query::file_get::File;
use crate::{App, AppError};

/// The widths that there are. A picture that is smaller stays as wide as it is.
pub const WIDTHS: [u16; 4] = [160, 320, 640, 1_280];
/// How many times higher than wide a small picture is at most.
const MAX_HEIGHT: u32 = 4;
/// The way in which small pictures are made: raised when it changes, so that they are made anew.
const WAY: &str = "v1";
/// Bytes of a picture that is made small.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Pixels of a side, and of all.
const MAX_SIDE: u32 = 20_000;
const MAX_PIXELS: u64 = 50_000_000;
/// Bytes that decoding takes.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
/// Bytes that a small picture has at most: 1,280 × 5,120 pixels as they are.
const MAX_SMALL: u64 = 32 * 1024 * 1024;
/// Of a hundred.
const QUALITY: u8 = 80;
/// How long somebody waits for a place.
const PATIENCE: Duration = Duration::from_secs(20);

/// A small picture.
#[derive(Debug, Clone)]
pub struct Thumbnail {
    /// Its bytes.
    pub bytes: Bytes,
    /// `image/jpeg`, or `image/png` where the picture lets something shine through.
    pub content_type: &'static str,
}

/// Whether files of this type are pictures that are made small.
#[must_use]
pub fn is_picture(content_type: &str) -> bool {
    format(content_type).is_some()
}

/// Checks that there are pictures of this width.
///
/// # Errors
/// [`AppError::Argument`].
pub fn width(given: i64) -> Result<u16, AppError> {
    let known = WIDTHS.into_iter().find(|width| i64::from(*width) == given);
    known.ok_or_else(|| AppError::Argument(format!("there are pictures of the widths {WIDTHS:?}, not of {given}")))
}

/// What tells the small picture of a file from every other content.
#[must_use]
pub fn tag(file: &File, width: u16) -> String {
    format!("{}-{}", file.sha256, name(width))
}

/// The file's picture, `width` pixels wide.
///
/// # Errors
/// [`AppError::Argument`] for a width that there is not, [`AppError::Unsupported`] for what is no picture or one that is not made
/// small, [`AppError::Overloaded`], and the store's.
pub async fn run(app: &App, scope: &Scope, file: &File, width: u16) -> Result<Thumbnail, AppError> {
    self::width(i64::from(width))?;
    let format = format(&file.content_type).ok_or_else(unsupported)?;
    let name = name(width);
    if let Some(bytes) = app.blobs.derived(scope, &file.sha256, &name).await? {
        return made(bytes);
    }
    let overloaded = || AppError::Overloaded("too many pictures are being made small: ask again in a while".to_owned());
    let place = tokio::time::timeout(PATIENCE, Arc::clone(&app.pictures).acquire_owned()).await;
    let place = place.map_err(|_| overloaded())?.map_err(|_| overloaded())?;
    // Somebody else may have made it while this one waited.
    if let Some(bytes) = app.blobs.derived(scope, &file.sha256, &name).await? {
        return made(bytes);
    }
    let reader = app.blobs.reader(scope, &file.sha256, file.bytes())?;
    let rendered = tokio::task::spawn_blocking(move || {
        let _place = place;
        render(reader, format, width)
    });
    let bytes = rendered.await.map_err(|_| AppError::Storage(StorageError::Interrupted))??;
    keep(app, scope, file, (&name, bytes.clone())).await?;
    made(bytes)
}

/// Keeps it, unless the file has gone meanwhile: who deletes a file deletes the row first.
async fn keep(app: &App, scope: &Scope, file: &File, (name, bytes): (&str, Bytes)) -> Result<(), AppError> {
    let mut incoming = app.blobs.begin(scope, app.environment.new_id(), MAX_SMALL).await?;
    incoming.write(bytes).await?;
    incoming.seal().await?.keep_derived(&file.sha256, name).await?;
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    if file::get_many(scope, &session, &[file.id]).await?.is_empty() {
        app.blobs.delete_derived(scope, &file.sha256).await?;
        return Err(AppError::NotFound);
    }
    Ok(())
}

/// What is kept: nothing where nothing could be made.
fn made(bytes: Bytes) -> Result<Thumbnail, AppError> {
    if bytes.is_empty() {
        return Err(unsupported());
    }
    let content_type = if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    Ok(Thumbnail { bytes, content_type })
}

fn unsupported() -> AppError {
    AppError::Unsupported(format!(
        "there is no small picture of this file: it is no PNG, JPEG, WebP or GIF, is damaged, or has more than {MAX_PIXELS} pixels: \
         ask for the file itself"
    ))
}

fn name(width: u16) -> String {
    format!("{WAY}-{width}")
}

fn format(content_type: &str) -> Option<ImageFormat> {
    match content_type {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/webp" => Some(ImageFormat::WebP),
        "image/gif" => Some(ImageFormat::Gif),
        _ => None,
    }
}

/// The small picture; nothing where the content is none, or too large a one.
fn render(reader: BlobReader, format: ImageFormat, width: u16) -> Result<Bytes, AppError> {
    if reader.size() > MAX_BYTES {
        return Ok(Bytes::new());
    }
    let mut content = Vec::new();
    if let Err(error) = reader.take(MAX_BYTES).read_to_end(&mut content) {
        let failed = StorageError::of_reader(error).unwrap_or(StorageError::Interrupted);
        return Err(failed.into());
    }
    Ok(small(&content, format, width).map_or_else(|_| Bytes::new(), Bytes::from))
}

/// Why there is none.
#[derive(Debug)]
enum Refused {
    TooLarge,
    Damaged,
}

impl From<image::ImageError> for Refused {
    fn from(_: image::ImageError) -> Self {
        Self::Damaged
    }
}

fn small(content: &[u8], format: ImageFormat, width: u16) -> Result<Vec<u8>, Refused> {
    let (picture, orientation) = decode(content, format)?;
    let turned = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let (wide, high) = (u32::from(width), u32::from(width) * MAX_HEIGHT);
    let (wide, high) = if turned { (high, wide) } else { (wide, high) };
    let fits = picture.width() <= wide && picture.height() <= high;
    let mut picture = if fits { picture } else { picture.thumbnail(wide, high) };
    picture.apply_orientation(orientation);
    encode(&picture)
}

/// The picture as it is stored, and how it is to be held.
fn decode(content: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), Refused> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(content), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let is_large = width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS;
    if is_large || decoder.total_bytes() > MAX_MEMORY {
        return Err(Refused::TooLarge);
    }
    // A note that cannot be read turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

fn encode(picture: &DynamicImage) -> Result<Vec<u8>, Refused> {
    let mut bytes = Cursor::new(Vec::new());
    if picture.color().has_alpha() {
        DynamicImage::ImageRgba8(picture.to_rgba8()).write_to(&mut bytes, ImageFormat::Png)?;
    } else {
        picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use image::{GenericImageView as _, ImageBuffer, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    /// Red on the left, blue on the right.
    fn halves(width: u32, height: u32) -> RgbImage {
        ImageBuffer::from_fn(width, height, |x, _| if x < width / 2 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) })
    }

    fn written(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn shown(content: &[u8], format: ImageFormat, width: u16) -> DynamicImage {
        image::load_from_memory(&small(content, format, width).unwrap()).unwrap()
    }

    #[test]
    fn pictures_of_every_kind_are_made_small_and_none_is_made_larger() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let picture = match format {
                ImageFormat::Gif => DynamicImage::ImageRgba8(DynamicImage::from(halves(800, 400)).to_rgba8()),
                _ => DynamicImage::from(halves(800, 400)),
            };
            let content = written(picture, format);
            for (width, expect) in [(160, (160, 80)), (640, (640, 320)), (1_280, (800, 400))] {
                let shown = shown(&content, format, width);
                assert_eq!(shown.dimensions(), expect, "{format:?}");
                let [left, right] = [shown.get_pixel(2, 2), shown.get_pixel(expect.0 - 3, 2)];
                assert!(
                    left[0] > 200 && left[2] < 60 && right[2] > 200 && right[0] < 60,
                    "{format:?} {left:?} {right:?}"
                );
            }
        }
        let tower = written(halves(100, 10_000), ImageFormat::Png);
        assert_eq!(shown(&tower, ImageFormat::Png, 160).dimensions(), (6, 640));
    }

    #[test]
    fn what_shines_through_stays_so() {
        let glass: RgbaImage = ImageBuffer::from_pixel(400, 400, Rgba([0, 0, 250, 10]));
        let small = small(&written(glass, ImageFormat::Png), ImageFormat::Png, 160).unwrap();
        assert_eq!(made(small.clone().into()).unwrap().content_type, "image/png");
        assert_eq!(image::load_from_memory(&small).unwrap().to_rgba8().get_pixel(9, 9)[3], 10);
    }

    /// A JPEG with a note of how it is to be held (Exif 2.32, 4.6.4: tag 0x0112), and one of where it was taken.
    fn held(orientation: u8) -> Vec<u8> {
        let jpeg = written(halves(400, 200), ImageFormat::Jpeg);
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        exif.extend(b"34.344166,108.908184");
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn a_picture_is_held_as_its_camera_was_and_tells_nothing_else() {
        for (orientation, size, red) in [
            (1, (160, 80), (2, 40)),
            (2, (160, 80), (157, 40)),
            (3, (160, 80), (157, 40)),
            (6, (160, 320), (80, 2)),
            (8, (160, 320), (80, 317)),
        ] {
            let content = held(orientation);
            assert!(content.windows(9).any(|bytes| bytes == b"34.344166"));
            let bytes = small(&content, ImageFormat::Jpeg, 160).unwrap();
            assert!(!bytes.windows(9).any(|bytes| bytes == b"34.344166"));
            let shown = image::load_from_memory(&bytes).unwrap();
            assert_eq!(shown.dimensions(), size, "{orientation}");
            let pixel = shown.get_pixel(red.0, red.1);
            assert!(pixel[0] > 200 && pixel[2] < 60, "{orientation}: {pixel:?}");
        }
    }

    #[test]
    fn a_bomb_and_what_is_damaged_are_refused() {
        // The header of a PNG of so many pixels; its sum is the decoder's own affair, which looks at the size before.
        let png = |width: u32, height: u32| {
            let mut bytes = written(halves(8, 8), ImageFormat::Png);
            bytes[16..20].copy_from_slice(&width.to_be_bytes());
            bytes[20..24].copy_from_slice(&height.to_be_bytes());
            let sum = crc(&bytes[12..29]).to_be_bytes();
            bytes[29..33].copy_from_slice(&sum);
            bytes
        };
        assert!(small(&png(8, 8), ImageFormat::Png, 160).is_ok(), "the header is one");
        for (width, height) in [(50_000, 50_000), (19_999, 19_999), (20_001, 1), (u32::MAX >> 1, 1)] {
            assert!(small(&png(width, height), ImageFormat::Png, 160).is_err(), "{width} × {height}");
        }
        let mut gif = written(DynamicImage::from(halves(8, 8)).to_rgba8(), ImageFormat::Gif);
        gif[6..10].copy_from_slice(&[0xff; 4]);
        assert!(small(&gif, ImageFormat::Gif, 160).is_err());
        let whole = written(halves(400, 400), ImageFormat::Png);
        for damaged in [&whole[..whole.len() / 2], &whole[..40], b"\x89PNG\r\n\x1a\n", b""] {
            assert!(small(damaged, ImageFormat::Png, 160).is_err());
        }
    }

    /// The sum of PNG's parts (ISO/IEC 15948, annex D).
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
        })
    }
}
