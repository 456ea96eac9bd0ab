//! What Sunlit promises at its borders, checked over its real routes with real plugins. The cases are in `tests/`.
