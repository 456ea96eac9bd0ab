//! How much of a node each tenant gets, and how much of a tenant each caller: cost, which comes back with time (the generic cell rate
//! algorithm of ITU-T I.371, by the crate `governor`), and places for requests at the same time.
//!
//! Whoever asks for more than is left is told when to ask again, and costs next to nothing. How much there is says the tenant's plan
//! ([`Limits`]). People who work for the authority spend of their own only, and have places of their own, so that a storm on the
//! public side of a tenant does not lock them out.

mod places;
pub mod price;

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use sunlit_app::AppError;
use sunlit_domain::Actor;
use sunlit_domain::Role;
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::plan::Limits;
use sunlit_schema::Allowance;

use self::places::{Place, Places};

/// How many tenants, and callers, are remembered. Whoever is forgotten begins anew.
const MAX_TENANTS: u64 = 20_000;
const MAX_CALLERS: u64 = 200_000;
/// How long somebody is remembered who asks for nothing.
const REST: Duration = Duration::from_secs(600);
/// How often an address may try to sign in, or have mail sent: at once, and then in a second. An office of some hundred people comes
/// from one address, and signs in at half past eight; accounts lock by themselves long before.
const ATTEMPTS_AT_ONCE: NonZeroU32 = NonZeroU32::new(200).unwrap();
const ATTEMPTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(2).unwrap();

/// Cost that is left.
type Bucket = DefaultDirectRateLimiter;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Somebody who has not signed in, by the network that they come from.
    Address(IpAddr),
    /// An account, or the key of a program.
    Actor(ActorId),
}

impl Caller {
    /// Whoever comes from an address. A site of IPv6 has at least a network of 64 bits to itself (RFC 6177), and counts as one.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Self::Address(IpAddr::V6(Ipv6Addr::from(network)))
            }
            address => Self::Address(address),
        }
    }
}

/// What tenants and callers have left, on this node.
#[derive(Debug)]
pub struct Fairness {
    tenants: Cache<(TenantId, Limits), Arc<Share>>,
    callers: Cache<(TenantId, Caller, Limits), Arc<Bucket>>,
    attempts: Cache<(Option<TenantId>, Caller), Arc<Bucket>>,
}

/// A tenant's part of the node.
#[derive(Debug)]
struct Share {
    cost: Bucket,
    public: Places,
    staff: Places,
}

/// What one request may spend.
#[derive(Debug, Clone)]
pub struct Purse {
    share: Arc<Share>,
    own: Arc<Bucket>,
    is_staff: bool,
}

impl Default for Fairness {
    fn default() -> Self {
        Self { tenants: cache(MAX_TENANTS), callers: cache(MAX_CALLERS), attempts: cache(MAX_CALLERS) }
    }
}

fn cache<K, V>(most: u64) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(most).time_to_idle(REST).build()
}

/// A bucket that is full. Plans have no limit of none.
fn bucket(per_second: u32, burst: u32) -> Bucket {
    let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    RateLimiter::direct(Quota::per_second(some(per_second)).allow_burst(some(burst)))
}

impl Fairness {
    /// What `caller`, who acts as `actor`, may spend at a tenant of these limits.
    #[must_use]
    pub fn purse(&self, (tenant, limits): (TenantId, Limits), caller: Caller, actor: &Actor) -> Purse {
        let share = self.tenants.get_with((tenant, limits), || {
            Arc::new(Share {
                cost: bucket(limits.cost_per_second, limits.cost_burst),
                public: Places::new(limits.requests_at_once),
                staff: Places::new(limits.requests_at_once),
            })
        });
        let own = self.callers.get_with((tenant, caller, limits), || {
            Arc::new(bucket(limits.caller_cost_per_second, limits.caller_cost_burst))
        });
        Purse { share, own, is_staff: is_staff(actor) }
    }

    /// Counts an attempt to sign in, to have mail sent, or to subscribe.
    ///
    /// # Errors
    /// [`AppError::RateLimited`].
    pub fn attempt(&self, tenant: Option<TenantId>, caller: Caller) -> Result<(), AppError> {
        let attempts = self.attempts.get_with((tenant, caller), || {
            Arc::new(RateLimiter::direct(Quota::per_second(ATTEMPTS_PER_SECOND).allow_burst(ATTEMPTS_AT_ONCE)))
        });
        spend(&attempts, NonZeroU32::MIN)
    }
}

/// Whether somebody works for the authority.
fn is_staff(actor: &Actor) -> bool {
    actor.session().is_some()
        && actor.roles().iter().any(|role| !matches!(role, Role::Public | Role::Citizen | Role::Enterprise))
}

impl Purse {
    /// Waits for a place among the tenant's requests.
    ///
    /// # Errors
    /// [`AppError::RateLimited`] where too many wait already, or for too long.
    pub(crate) async fn place(&self) -> Result<Place, AppError> {
        let places = if self.is_staff { &self.share.staff } else { &self.share.public };
        places.take().await
    }
}

impl Allowance for Purse {
    fn spend(&self, cost: u64) -> Result<(), AppError> {
        let Some(cost) = NonZeroU32::new(u32::try_from(cost).unwrap_or(u32::MAX)) else { return Ok(()) };
        spend(&self.own, cost)?;
        if self.is_staff { Ok(()) } else { spend(&self.share.cost, cost) }
    }
}

fn spend(bucket: &Bucket, cost: NonZeroU32) -> Result<(), AppError> {
    match bucket.check_n(cost) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_yet)) => Err(AppError::RateLimited(not_yet.wait_time_from(DefaultClock::default().now()))),
        Err(most) => {
            Err(AppError::Limit(format!("it costs {cost}, and at most {} is given at once: ask for less", most.0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const LIMITS: Limits = Limits {
        cost_per_second: 1,
        cost_burst: 30,
        caller_cost_per_second: 1,
        caller_cost_burst: 10,
        requests_at_once: 1,
    };
    const ONE: TenantId = TenantId(Uuid::from_u128(1));
    const OTHER: TenantId = TenantId(Uuid::from_u128(2));

    fn at(last: u8) -> Caller {
        Caller::at(IpAddr::from([192, 0, 2, last]))
    }

    fn staff(number: u128) -> (Caller, Actor) {
        let id = ActorId(Uuid::from_u128(number));
        (Caller::Actor(id), Actor::known(id, vec![Role::Editor]).in_session(Uuid::from_u128(number)))
    }

    fn is_limited(spent: &Result<(), AppError>) -> bool {
        matches!(spent, Err(AppError::RateLimited(wait)) if (Duration::from_nanos(1)..=Duration::from_secs(10)).contains(wait))
    }

    #[test]
    fn a_caller_spends_its_own_and_no_other_callers() {
        let fairness = Fairness::default();
        let purse = |tenant, caller| fairness.purse((tenant, LIMITS), caller, &Actor::anonymous());
        purse(ONE, at(1)).spend(10).unwrap();
        assert!(is_limited(&purse(ONE, at(1)).spend(5)));
        purse(ONE, at(2)).spend(10).unwrap();
        purse(OTHER, at(1)).spend(10).unwrap();
    }

    #[test]
    fn a_tenants_callers_spend_its_cost_together_and_no_other_tenants() {
        let fairness = Fairness::default();
        let purse = |tenant, caller| fairness.purse((tenant, LIMITS), caller, &Actor::anonymous());
        for caller in 1..=3 {
            purse(ONE, at(caller)).spend(10).unwrap();
        }
        assert!(is_limited(&purse(ONE, at(4)).spend(10)));
        purse(OTHER, at(4)).spend(10).unwrap();
        // Who works there is not locked out by it.
        let (caller, actor) = staff(7);
        fairness.purse((ONE, LIMITS), caller, &actor).spend(10).unwrap();
        assert!(is_limited(&fairness.purse((ONE, LIMITS), caller, &actor).spend(5)));
    }

    #[test]
    fn what_is_never_given_at_once_is_refused_for_good() {
        let purse = Fairness::default().purse((ONE, LIMITS), at(1), &Actor::anonymous());
        let told = purse.spend(11).unwrap_err();
        assert!(matches!(&told, AppError::Limit(text) if text.contains("11") && text.contains("10")), "{told}");
        assert!(purse.spend(u64::MAX).is_err());
        purse.spend(0).unwrap();
    }

    #[test]
    fn networks_of_ipv6_count_as_one_caller_and_mapped_addresses_as_what_they_are() {
        let at = |text: &str| Caller::at(text.parse().unwrap());
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[test]
    fn attempts_of_an_address_end() {
        let fairness = Fairness::default();
        let attempts = (0..1_000).take_while(|_| fairness.attempt(Some(ONE), at(1)).is_ok()).count();
        assert!((200..=205).contains(&attempts), "{attempts}");
        fairness.attempt(Some(ONE), at(2)).unwrap();
        fairness.attempt(Some(OTHER), at(1)).unwrap();
    }

    #[tokio::test]
    async fn a_place_is_waited_for_and_staff_have_their_own() {
        let fairness = Fairness::default();
        let public = fairness.purse((ONE, LIMITS), at(1), &Actor::anonymous());
        let taken = public.place().await.unwrap();
        let (caller, actor) = staff(7);
        let purse = fairness.purse((ONE, LIMITS), caller, &actor);
        drop(purse.place().await.unwrap());
        let mut waiting = std::pin::pin!(public.place());
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        drop(taken);
        drop(waiting.await.unwrap());
    }
}
