//! What comes out: fixed pages, hostile data, words.

mod golden;
mod hostile;
mod pages;
mod sample;
mod words;
