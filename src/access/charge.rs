//! Who looks after an organisation.

use std::sync::Arc;

use super::{Caller, Denied, Principal, Proof, Records};

/// Leave to look after one's own organisation, once. Nothing else makes one.
#[derive(Clone, Debug)]
pub struct Charge {
    caller: Arc<Caller>,
}

impl Charge {
    /// Who has it.
    pub fn caller(&self) -> &Principal {
        &self.caller.principal
    }

    /// Which organisation it is about.
    pub fn organisation(&self) -> &str {
        &self.caller.principal.organisation
    }
}

/// Whether someone may look after their organisation now. A login of theirs is needed: no token is good for it,
/// whatever it allows.
///
/// # Errors
/// Why not.
pub fn may_administer<R: Records>(records: &R, caller: &Arc<Caller>) -> Result<Charge, Denied> {
    if !matches!(caller.proof, Proof::Login(_)) {
        return Err(Denied::NotAdministrator);
    }
    let unreadable = |error: R::Error| super::decision::unreadable(&error);
    if !records.standing(&caller.principal).map_err(unreadable)?.active {
        return Err(Denied::Gone);
    }
    if !records.holds(caller).map_err(unreadable)? {
        return Err(Denied::TakenBack);
    }
    match records.administers(&caller.principal).map_err(unreadable)? {
        true => Ok(Charge { caller: caller.clone() }),
        false => Err(Denied::NotAdministrator),
    }
}
