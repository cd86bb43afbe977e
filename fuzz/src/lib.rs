//! What the fuzz targets share: fixed keys and time, and generators of checks, facts and tokens.

pub mod checks;
pub mod keys;
