//! What the fuzz targets share: fixed keys and time, generators, mutations, and oracles.

pub mod attenuate;
pub mod checks;
pub mod details;
pub mod fields;
pub mod json;
pub mod keys;
pub mod messages;
pub mod mutate;
pub mod requests;
