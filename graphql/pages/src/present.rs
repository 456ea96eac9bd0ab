//! A view's blocks as templates take them: the same fields, an id for each block, and the sketch of each map.

use serde_json::{Value, json};

use crate::outline_map::sketch;
use crate::view::{Block, View};

/// The view for `parts/view.html`.
pub(crate) fn view(view: &View) -> serde_json::Result<Value> {
    Ok(json!({ "id": view.id, "title": serde_json::to_value(&view.title)?, "blocks": blocks(&view.blocks, "b")? }))
}

/// Blocks for `parts/blocks.html`; their ids begin with `prefix`.
pub(crate) fn blocks(blocks: &[Block], prefix: &str) -> serde_json::Result<Vec<Value>> {
    blocks.iter().enumerate().map(|(index, block)| present(block, &format!("{prefix}{index}"))).collect()
}

fn present(block: &Block, uid: &str) -> serde_json::Result<Value> {
    let mut presented = match block {
        Block::Section(section) => {
            json!({ "kind": "section", "title": section.title.as_ref(), "blocks": blocks(&section.blocks, &format!("{uid}-"))? })
        }
        Block::Map(map) => {
            let places: Vec<_> = map.features.iter().map(|feature| feature.lng.zip(feature.lat)).collect();
            let mut presented = serde_json::to_value(block)?;
            // The outline is drawn here; templates need not carry its positions.
            presented["outline"] = Value::Null;
            presented["sketch"] = serde_json::to_value(sketch(map.outline.as_ref(), &places))?;
            presented
        }
        _ => serde_json::to_value(block)?,
    };
    presented["uid"] = Value::from(uid);
    Ok(presented)
}
