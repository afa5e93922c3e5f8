//! The password validator of `onramp_core` over the policies of this crate.

use alloc::format;
use alloc::string::{String, ToString};

use async_trait::async_trait;
use onramp_core::{
    Error, ErrorKind, Password, PasswordCheck, PasswordRequest, PasswordTarget, PasswordValidator,
    PasswordViolation, Result,
};

use crate::check::Checker;
use crate::context::Context;
use crate::generate::{Generator, GeneratorOptions, OsRandom};
use crate::language::Messages;
use crate::policy::{AdPolicy, Policy};
use crate::protection::ProtectionPolicy;
use crate::target::Target;
use crate::verdict::{Code, NameSource, Violation};

/// The default [`PasswordValidator`]: Active Directory, Entra and Entra Password Protection as a request describes them.
#[derive(Clone, Debug, Default)]
pub struct Validator {
    additional: Policy,
}

impl Validator {
    /// Creates a validator.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a policy, such as rules of your own. Its parts replace those that a request describes.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.additional = policy;
        self
    }

    fn policy(&self, request: &PasswordRequest) -> Policy {
        let settings = request.on_premises.iter().map(AdPolicy::from);
        let on_premises = settings.reduce(|all, one| all.strictest(&one)).unwrap_or_default();
        let protection = request.protection.clone().unwrap_or_default();
        Policy::hybrid()
            .with_on_premises(on_premises)
            .with_protection(ProtectionPolicy::from(&protection))
            .overridden_by(self.additional.clone())
    }
}

#[async_trait]
impl PasswordValidator for Validator {
    async fn check(&self, password: &Password, request: &PasswordRequest) -> Result<PasswordCheck> {
        let verdict = Checker::new(&self.policy(request), &context(request)).check(password.expose());
        let mut violations = alloc::vec::Vec::new();
        for violation in verdict.violations().iter().map(violation) {
            // Entra Password Protection reports the same for both directories.
            if !violations.contains(&violation) {
                violations.push(violation);
            }
        }
        Ok(PasswordCheck::new(violations))
    }

    async fn generate(&self, request: &PasswordRequest) -> Result<Password> {
        let policy = self.policy(request);
        let minimum = policy.on_premises.as_ref().map_or(0, |policy| usize::from(policy.min_length));
        let options = match request.length {
            Some(length) => GeneratorOptions::default().with_length(length.max(minimum)),
            None => GeneratorOptions::default(),
        };
        let generator = Generator::with_options(&policy, &context(request), &options)?;
        generator.generate_from(&mut OsRandom).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "generate a password").with_detail(error.to_string())
        })
    }
}

fn context(request: &PasswordRequest) -> Context {
    Context {
        account_name: request.account_name.clone(),
        display_name: request.display_name.clone(),
        given_name: request.given_name.clone(),
        surname: request.surname.clone(),
        tenant_name: request.tenant_name.clone(),
        words: alloc::vec::Vec::new(),
    }
}

fn violation(violation: &Violation) -> PasswordViolation {
    let protection = matches!(violation.code, Code::BannedWord | Code::ScoreTooLow)
        || matches!(violation.name, Some(NameSource::PersonName | NameSource::TenantName));
    let target = match violation.target {
        Target::OnPremises | Target::Cloud if protection => PasswordTarget::Protection,
        Target::OnPremises => PasswordTarget::OnPremises,
        Target::Cloud => PasswordTarget::Cloud,
        Target::Nist | Target::Lithnet | Target::Custom => PasswordTarget::Custom,
    };
    let message: String = Messages::english().message(violation);
    // The target stands before the message already.
    let message =
        message.strip_prefix(&format!("{}: ", violation.target)).map(ToString::to_string).unwrap_or(message);
    PasswordViolation::new(target, violation.code.as_str().replace('_', "-"), message)
}
