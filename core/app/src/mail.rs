//! Mail, handed in to a server over SMTP (RFC 5321).

use lettre::message::{Mailbox, header};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use uuid::Uuid;

/// Where mail is handed in, and whose it is. What is shown of it has no password.
#[derive(Clone)]
pub struct MailConfig {
    /// `smtps://user:password@host`, `smtp://host:587?tls=required`, or on the same machine `smtp://127.0.0.1:25`.
    pub server: String,
    /// Whom mail is from: `noreply@example.org`.
    pub from: String,
}

impl std::fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailConfig").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Why mail was not handed in.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The configuration cannot be used.
    #[error("the mail server of the configuration cannot be used: {0}: mend `smtp` or `mail_from`")]
    Config(String),
    /// There is none.
    #[error("no mail server is configured: set `smtp` and `mail_from`")]
    None,
    /// The server does not take it.
    #[error("the mail server does not take it: {0}")]
    Refused(#[from] lettre::transport::smtp::Error),
    /// It cannot be written.
    #[error("the mail cannot be written: {0}")]
    Unwritable(#[from] lettre::error::Error),
}

/// A letter to one person.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// What tells it from others: handed in twice, it is the same (RFC 5322, §3.6.4).
    pub(crate) id: Uuid,
    pub(crate) to: String,
    pub(crate) name: String,
    pub(crate) subject: String,
    pub(crate) body: String,
}

/// Hands mail in.
#[derive(Debug)]
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

impl Mailer {
    pub(crate) fn new(config: &MailConfig) -> Result<Self, MailError> {
        let from: Address =
            config.from.parse().map_err(|_| MailError::Config(format!("`{}` is no address", config.from)))?;
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&config.server);
        // The address may hold a password, which no message tells.
        let server = server.map_err(|_| MailError::Config("its address is not like smtps://host".to_owned()))?;
        let transport = server.hello_name(ClientId::Domain(from.domain().to_owned())).build();
        Ok(Self { transport, from })
    }

    pub(crate) async fn send(&self, letter: Letter) -> Result<(), MailError> {
        let to: Address = letter.to.parse().map_err(|_| MailError::Config("the account has no address".to_owned()))?;
        let message = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.domain())))
            .from(Mailbox::new(None, self.from.clone()))
            .to(Mailbox::new(Some(letter.name), to))
            .subject(letter.subject)
            .header(header::ContentType::TEXT_PLAIN)
            .body(letter.body)?;
        self.transport.send(message).await?;
        Ok(())
    }
}
