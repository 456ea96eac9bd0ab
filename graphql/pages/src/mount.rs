//! Links of a view, moved under the path at which a tenant's portal is mounted.

use crate::view::{Block, Cell, View};

impl View {
    /// The view with `base_path` (`/t/000001`, or nothing) put before every address that is a path (`/…`). A view is made
    /// without knowing where its portal is reached; the server mounts it just before rendering, once.
    #[must_use]
    pub fn mounted_at(mut self, base_path: &str) -> Self {
        let base_path = base_path.trim_end_matches('/');
        if !base_path.is_empty() {
            mount_blocks(&mut self.blocks, base_path);
        }
        self
    }
}

fn mount_blocks(blocks: &mut [Block], base_path: &str) {
    let mount = |href: &mut String| {
        if href.starts_with('/') {
            href.insert_str(0, base_path);
        }
    };
    for block in blocks {
        match block {
            Block::Section(section) => mount_blocks(&mut section.blocks, base_path),
            Block::List(list) => list.items.iter_mut().filter_map(|item| item.href.as_mut()).for_each(mount),
            Block::Table(table) => table.rows.iter_mut().flat_map(|row| row.values_mut()).for_each(|cell| {
                if let Cell::Link(link) = cell {
                    mount(&mut link.href);
                }
            }),
            Block::Detail(detail) => detail.items.iter_mut().filter_map(|item| item.href.as_mut()).for_each(mount),
            Block::Map(map) => map.features.iter_mut().filter_map(|feature| feature.href.as_mut()).for_each(mount),
            Block::Actions(actions) => actions.items.iter_mut().for_each(|action| mount(&mut action.href)),
            Block::Text(_) | Block::Notice(_) | Block::Empty(_) | Block::Stats(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::view::{Action, Actions, Block, Section, Text, View};

    #[test]
    fn paths_are_mounted_and_other_addresses_are_left() {
        let action = |href: &str| Action { label: Text::zh("看"), href: href.into(), ..Action::default() };
        let items = ["/", "/p/a", "https://www.gov.cn/", "?page=2", "tel:12345"].map(action).to_vec();
        let inner = Block::Actions(Actions { title: None, items });
        let view = View::new("a", Text::zh("甲"), vec![Block::Section(Section { title: None, blocks: vec![inner] })]);
        let mounted = serde_json::to_string(&view.mounted_at("/t/000001")).unwrap();
        for expect in ["\"/t/000001/\"", "\"/t/000001/p/a\"", "\"https://www.gov.cn/\"", "\"?page=2\"", "\"tel:12345\""]
        {
            assert!(mounted.contains(expect), "{expect} in {mounted}");
        }
    }
}
