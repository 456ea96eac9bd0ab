//! The three separated duties (三员分立): who runs the system, who gives rights, and who looks at what both did are three
//! people (GB/T 22239-2019, 8.1.4: 系统管理、安全管理、审计管理 are kept apart).

use crate::scope::Role;

/// A duty that nobody holds beside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Runs the system: 系统管理员.
    System,
    /// Names people and gives them their roles: 安全管理员.
    Security,
    /// Looks at what was done: 审计员.
    Audit,
}

impl Duty {
    /// The duty that a role is; none for whoever works with content.
    #[must_use]
    pub fn of(role: Role) -> Option<Self> {
        match role {
            Role::Administrator => Some(Self::System),
            Role::SecurityAdministrator => Some(Self::Security),
            Role::Auditor => Some(Self::Audit),
            Role::Public | Role::Citizen | Role::Enterprise | Role::Editor | Role::Reviewer => None,
        }
    }
}

/// The first two of `roles` that nobody may hold together; none when they are compatible.
#[must_use]
pub fn conflict(roles: &[Role]) -> Option<(Role, Role)> {
    let mut held = roles.iter().copied().filter(|role| Duty::of(*role).is_some());
    let first = held.next()?;
    held.find(|role| *role != first).map(|second| (first, second))
}

/// Whether whoever has `roles` needs a second factor (GB/T 22239-2019, 8.1.4.1 d): everybody with a duty.
#[must_use]
pub fn needs_second_factor(roles: &[Role]) -> bool {
    roles.iter().any(|role| Duty::of(*role).is_some())
}

/// Whether a role can be given to an account: not what everybody has.
#[must_use]
pub fn is_grantable(role: Role) -> bool {
    role != Role::Public
}

/// Whether a role can be given to a key. What needs a second factor needs a person.
#[must_use]
pub fn is_for_keys(role: Role) -> bool {
    matches!(role, Role::Editor | Role::Reviewer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_duties_conflict_and_nothing_else_does() {
        for one in Role::ALL {
            for other in Role::ALL {
                let both_duties = Duty::of(one).is_some() && Duty::of(other).is_some() && one != other;
                assert_eq!(conflict(&[one, Role::Editor, other]).is_some(), both_duties, "{one:?} {other:?}");
            }
            assert_eq!(Role::named(one.name()), Some(one));
            assert!(!is_for_keys(one) || Duty::of(one).is_none());
        }
        assert!(needs_second_factor(&[Role::Editor, Role::Auditor]) && !needs_second_factor(&[Role::Reviewer]));
    }
}
