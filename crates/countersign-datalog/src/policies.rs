//! placeholder
/// p
pub struct Policies;
/// p
pub struct PolicyDenial;
/// p
pub struct PolicyError;
