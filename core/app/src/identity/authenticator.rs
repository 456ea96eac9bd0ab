//! The second factor: codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sunlit_domain::value::Timestamp;
use totp_rs::{Algorithm, Builder, Totp};

use crate::{AppError, Environment};

/// Bytes of a secret (RFC 4226, §4, R6).
const BYTES: usize = 20;

/// What an authenticator app is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The secret in base 32, for typing.
    pub secret: String,
    /// The same as an address for a QR code.
    pub url: String,
}

/// A new secret, as it is sealed.
pub(crate) fn new_secret(environment: &dyn Environment) -> Vec<u8> {
    let mut bytes = vec![0; BYTES];
    environment.fill(&mut bytes);
    STANDARD_NO_PAD.encode(bytes).into_bytes()
}

/// What the app of the person with this address is given; `issuer` is what it shows.
pub(crate) fn enrolment(sealed: &[u8], issuer: &str, email: &str) -> Result<Enrolment, AppError> {
    let totp = totp(sealed, issuer, email)?;
    let url = totp.to_url().map_err(|error| AppError::Unsound(error.to_string()))?;
    Ok(Enrolment { secret: totp.secret().to_base32(), url })
}

/// The step of which `code` is the code at `now`, one step early or late; none when it is none.
pub(crate) fn step(sealed: &[u8], code: &str, now: Timestamp) -> Result<Option<i64>, AppError> {
    let seconds = u64::try_from(now.micros() / 1_000_000).unwrap_or(0);
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).take(7).collect();
    let step = totp(sealed, "", "")?.check(&digits, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn totp(sealed: &[u8], issuer: &str, email: &str) -> Result<Totp, AppError> {
    let unsound = |_| AppError::Unsound("the secret of an authenticator cannot be read".to_owned());
    let secret = STANDARD_NO_PAD.decode(sealed).map_err(unsound)?;
    // A colon parts the issuer from the account.
    let (issuer, email) = (issuer.replace(':', " "), email.replace(':', " "));
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30);
    let built = builder.with_secret(secret).with_issuer(Some(issuer)).with_account_name(email).build();
    built.map_err(|error| AppError::Unsound(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1, of whose eight digits the last six are ours.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        let secret = STANDARD_NO_PAD.encode(b"12345678901234567890").into_bytes();
        let cases = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ];
        for (seconds, code) in cases {
            let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).unwrap();
            let own = Some(seconds / 30);
            assert_eq!(step(&secret, code, at(seconds)).unwrap(), own);
            assert_eq!(step(&secret, &format!("{} {}", &code[..3], &code[3..]), at(seconds + 30)).unwrap(), own);
            assert_eq!(step(&secret, code, at(seconds + 90)).unwrap(), None);
        }
        for wrong in ["", "28708", "2870820", "28708a", "２８７０８２"] {
            assert_eq!(step(&secret, wrong, Timestamp::from_micros(59_000_000).unwrap()).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_given_issuer_and_account() {
        let secret = STANDARD_NO_PAD.encode(b"12345678901234567890").into_bytes();
        let given = enrolment(&secret, "未央区", "li@example.org").unwrap();
        assert_eq!(given.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(given.url.starts_with("otpauth://totp/") && given.url.contains("li%40example.org"), "{}", given.url);
    }
}
