//! The requirements of a policy as English sentences.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::ad::{AdPolicy, NameChecks};
use super::combined::Policy;
use crate::protection::ProtectionPolicy;
use crate::target::Target;

/// One demand in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// The target with the requirement.
    pub target: Target,
    /// The requirement in English.
    pub text: String,
}

impl Policy {
    /// Returns the requirements of the policy as English phrases, in the order of the targets.
    ///
    /// ```
    /// # use onramp_password::Policy;
    /// let demands: Vec<String> = Policy::hybrid().requirements().into_iter().map(|requirement| requirement.text).collect();
    /// assert!(demands.contains(&"3 of 5 character classes".to_owned()));
    /// ```
    #[must_use]
    pub fn requirements(&self) -> Vec<Requirement> {
        let mut all = Vec::new();
        if let Some(policy) = &self.on_premises {
            on_premises(policy, &mut |text| all.push(Requirement { target: Target::OnPremises, text }));
        }
        if let Some(policy) = &self.cloud {
            let mut say = |text| all.push(Requirement { target: Target::Cloud, text });
            say(format!("{} to {} characters of printable ASCII", policy.min_length, policy.max_length));
            if policy.required_classes > 0 {
                say(format!("{} of 4 character classes", policy.required_classes));
            }
        }
        if let Some(policy) = &self.protection {
            for target in policy.targets() {
                protection(policy, target, &mut |text| all.push(Requirement { target, text }));
            }
        }
        if let Some(policy) = &self.nist {
            let mut say = |text| all.push(Requirement { target: Target::Nist, text });
            say(format!("at least {} characters, counted after NFC", policy.needed_length()));
            say(match policy.blocklist.len() {
                0 => "nothing that is known of the account".to_string(),
                passwords => {
                    format!("none of {passwords} common passwords, and nothing that is known of the account")
                }
            });
        }
        if let Some(policy) = &self.lithnet {
            let mut say = |text| all.push(Requirement { target: Target::Lithnet, text });
            say(format!("at least {} characters", policy.min_length));
            if policy.bands.is_some() {
                say("character classes that depend on the length".to_string());
            }
            if let Some(points) = &policy.points {
                say(format!("{} complexity points", points.required));
            }
            if policy.check_account_name || policy.check_full_name {
                say("no piece of the names of four letters or more".to_string());
            }
            if !policy.banned_words.is_empty() {
                say(format!("not one of {} banned words as a whole", policy.banned_words.len()));
            }
        }
        if let Some(policy) = &self.custom {
            let mut say = |text| all.push(Requirement { target: Target::Custom, text });
            match (policy.min_length, policy.max_length) {
                (Some(min), Some(max)) => say(format!("{min} to {max} characters")),
                (Some(min), None) => say(format!("at least {min} characters")),
                (None, Some(max)) => say(format!("at most {max} characters")),
                (None, None) => {}
            }
            if policy.required_classes > 0 {
                say(format!("{} of 4 character classes", policy.required_classes));
            }
            policy.require.iter().for_each(|class| say(class.to_string()));
            if policy.allowed.is_some() || !policy.forbidden.is_empty() {
                say("only certain characters".to_string());
            }
            if let Some(most) = policy.max_repeat {
                say(format!("the same character at most {most} times in a row"));
            }
            if let Some(most) = policy.max_sequence {
                say(format!("at most {most} characters that follow one another"));
            }
            if policy.min_distinct > 0 {
                say(format!("at least {} different characters", policy.min_distinct));
            }
            if !policy.words.is_empty() {
                say(format!("none of {} words in it, look-alikes included", policy.words.len()));
            }
        }
        all.sort_by_key(|requirement| requirement.target);
        all
    }
}

fn on_premises(policy: &AdPolicy, say: &mut dyn FnMut(String)) {
    say(format!("{} to {} characters, counted in UTF-16 units", policy.min_length, AdPolicy::MAX_LENGTH));
    if policy.complexity {
        say(format!("{} of 5 character classes", AdPolicy::COMPLEX_CLASSES));
    }
    if policy.complexity || policy.name_checks == NameChecks::Always {
        say("neither the account name nor a piece of the display name of three letters or more".to_string());
    }
    if policy.history_length > 0 {
        say(format!("none of the last {} passwords", policy.history_length));
    }
}

fn protection(policy: &ProtectionPolicy, target: Target, say: &mut dyn FnMut(String)) {
    let who = match target {
        Target::OnPremises => "with the Entra Password Protection agent on the domain controllers: ",
        _ => "",
    };
    let points = policy.required_points;
    say(match policy.banned.len() {
        0 => format!("{who}a score of at least {points} points, one for each character"),
        words => format!(
            "{who}not a banned word ({words} in the list) or nearly one, also not with look-alike characters (@ for a); \
             at least {points} points, one for each banned word in it and each other character"
        ),
    });
    say(match target {
        Target::Cloud => "neither a name of the person nor the tenant's of four letters or more".to_string(),
        _ => format!("{who}no name of the person of four letters or more"),
    });
}
