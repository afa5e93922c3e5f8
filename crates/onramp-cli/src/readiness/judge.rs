//! The rules that are applied: a profile of Entra's, or those of IdFix.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use onramp::SpecError;
use onramp_core::{DomainName, Error, ErrorKind, Result, visible};
use onramp_readiness::forecast::Forecaster;
use onramp_readiness::idfix::{IdfixCheck, IdfixMode, IdfixScan, TopLevelDomains};
use onramp_readiness::{
    DirectoryObject, EntraRules, Exclusion, Profile, RuleInfo, Scan, ScanResult, attributes,
};

use super::messages::io_error;

#[derive(Debug, Args)]
pub(super) struct ProfileArguments {
    /// `entra` (today's rules), `idfix` or `idfix-dedicated` (what IdFix 2.6 shows, its defects included), or the path of a
    /// TOML file.
    #[arg(long, default_value = "entra", value_name = "NAME")]
    profile: String,
    /// A domain that the tenant has verified. Without one, nothing is said about it.
    #[arg(long, value_name = "DOMAIN")]
    verified_domain: Vec<DomainName>,
    /// The domain that users are going to have as UPN suffix.
    #[arg(long, value_name = "DOMAIN")]
    upn_suffix: Option<DomainName>,
    /// Only rules with this tag or ID.
    #[arg(long)]
    tag: Vec<String>,
    /// No rules with this tag or ID.
    #[arg(long, value_name = "TAG")]
    skip: Vec<String>,
    /// Users sign in with another attribute than the UPN: the profile `idfix` does not check UPNs then.
    #[arg(long)]
    alternate_login_id: bool,
    /// Leave out what the default filter of IdFix does not return, such as OUs; for the profile `idfix`.
    #[arg(long)]
    default_filter: bool,
    /// The file `domains.txt` of an installation of IdFix, for its exact results; for the profile `idfix`.
    #[arg(long, value_name = "FILE")]
    top_level_domains: Option<PathBuf>,
}

/// The profile that is asked for.
#[derive(Debug, Clone)]
pub(super) enum Chosen {
    Entra(Profile),
    Idfix(IdfixMode),
}

impl ProfileArguments {
    /// The name of the profile, for reports.
    pub(super) fn name(&self) -> String {
        self.profile.clone()
    }

    /// Reads the profile.
    pub(super) fn profile(&self) -> Result<Chosen> {
        let mut profile = match self.profile.to_ascii_lowercase().as_str() {
            "idfix" => return self.idfix(IdfixMode::MultiTenant),
            "idfix-dedicated" => return self.idfix(IdfixMode::Dedicated),
            "entra" => Profile::entra(),
            _ => self.read()?,
        };
        for (given, option) in [
            (self.alternate_login_id, "--alternate-login-id"),
            (self.default_filter, "--default-filter"),
            (self.top_level_domains.is_some(), "--top-level-domains"),
        ] {
            if given {
                let wrong = Error::new(ErrorKind::Invalid, format!("use {option}"))
                    .with_detail("it is for the profiles idfix and idfix-dedicated");
                return Err(match option {
                    "--alternate-login-id" => {
                        wrong.with_hint("Write login-attribute = \"mail\" in a profile of your own.")
                    }
                    _ => wrong,
                });
            }
        }
        if !self.verified_domain.is_empty() {
            profile.verified_domains = Some(self.verified_domain.clone());
        }
        profile.upn_suffix = self.upn_suffix.clone().or(profile.upn_suffix);
        profile.tags.extend(self.tag.iter().cloned());
        profile.skip.extend(self.skip.iter().cloned());
        Ok(Chosen::Entra(profile))
    }

    /// Reads a profile from a file.
    fn read(&self) -> Result<Profile> {
        let path = Path::new(&self.profile);
        let what = format!("read the profile {}", path.display());
        let octets = std::fs::read(path).map_err(|error| {
            io_error(&what, &error)
                .with_hint("A profile is entra, idfix, idfix-dedicated, or the path of a TOML file.")
        })?;
        let wrong = |detail: String| Error::new(ErrorKind::Invalid, visible(&what)).with_detail(detail);
        let text = onramp_files::text::decode(&octets).map_err(|error| wrong(error.to_string()))?;
        SpecError::read_toml(&text).map_err(|error| wrong(error.to_string()))
    }

    fn idfix(&self, mode: IdfixMode) -> Result<Chosen> {
        if !self.tag.is_empty() || !self.skip.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "choose rules by --tag or --skip")
                .with_detail("the rules of IdFix depend on each other, and cannot be chosen one by one"));
        }
        if !self.verified_domain.is_empty() || self.upn_suffix.is_some() {
            return Err(Error::new(ErrorKind::Invalid, "use --verified-domain or --upn-suffix")
                .with_detail("IdFix knows nothing about the tenant")
                .with_hint("They are for the profile entra."));
        }
        Ok(Chosen::Idfix(mode))
    }
}

/// The rules at work.
#[derive(Debug)]
pub(super) enum Rules {
    Entra(Box<Scan>),
    Idfix(Box<IdfixScan>, ScanResult),
}

impl Rules {
    /// Begins with the rules of a profile, and with what is known about the tenant where the profile says nothing.
    pub(super) fn new(
        chosen: Chosen,
        arguments: &ProfileArguments,
        verified: Option<Vec<DomainName>>,
    ) -> Result<Self> {
        match chosen {
            Chosen::Entra(mut profile) => {
                profile.verified_domains = profile.verified_domains.or(verified);
                let rules = EntraRules::new(&profile).map_err(|error| {
                    Error::new(ErrorKind::Invalid, "use the profile").with_detail(error.to_string())
                })?;
                let scan = Scan::new(Arc::new(rules)).with_login_attribute(profile.login_attribute);
                Ok(Self::Entra(Box::new(scan)))
            }
            Chosen::Idfix(mode) => {
                let mut scan = IdfixScan::new(mode)
                    .with_alternate_login_id(arguments.alternate_login_id)
                    .with_default_filter(arguments.default_filter);
                if let Some(file) = &arguments.top_level_domains {
                    let octets = std::fs::read(file)
                        .map_err(|error| io_error(&format!("read {}", file.display()), &error))?;
                    scan = scan.with_top_level_domains(TopLevelDomains::from_octets(&octets));
                }
                Ok(Self::Idfix(Box::new(scan), ScanResult::default()))
            }
        }
    }

    /// Returns true if a rule about a tenant's objects applies.
    pub(super) fn has_forecast(&self) -> bool {
        match self {
            Self::Entra(scan) => scan.catalog().iter().any(|rule| rule.tags.iter().any(|tag| tag == "match")),
            Self::Idfix(..) => false,
        }
    }

    /// The number of members that a group may have, if a rule counts them.
    pub(super) fn member_limit(&self) -> Option<usize> {
        match self {
            Self::Entra(scan) => scan
                .catalog()
                .iter()
                .find(|rule| rule.id.as_str() == "group-members")
                .and_then(|rule| rule.limit),
            Self::Idfix(..) => None,
        }
    }

    /// Sets the forecast against a tenant.
    pub(super) fn with_forecaster(self, forecaster: Option<Forecaster>) -> Result<Self> {
        match (self, forecaster) {
            (rules, None) => Ok(rules),
            (Self::Entra(scan), Some(forecaster)) => {
                let forecaster = forecaster.with_login_attribute(scan.login_attribute().clone());
                Ok(Self::Entra(Box::new(scan.with_forecaster(forecaster))))
            }
            (Self::Idfix(..), Some(_)) => Err(Error::new(ErrorKind::Invalid, "forecast matches")
                .with_detail("IdFix forecasts nothing")
                .with_hint("Leave out --profile idfix, or the files of the tenant.")),
        }
    }

    /// The rules that apply, those about a tenant's objects included.
    pub(super) fn catalog(self) -> Vec<RuleInfo> {
        match self {
            Self::Entra(scan) => scan.catalog().to_vec(),
            rules @ Self::Idfix(..) => rules.finish().catalog,
        }
    }

    /// The attributes to ask a directory for.
    pub(super) fn attributes(&self) -> Vec<onramp_core::AttributeName> {
        match self {
            Self::Entra(scan) => scan.attributes(),
            Self::Idfix(scan, _) => {
                let mut names = scan.mode().attributes().to_vec();
                names.retain(|name| *name != attributes::DISTINGUISHED_NAME);
                names
            }
        }
    }

    /// Judges an object.
    pub(super) fn add(&mut self, object: DirectoryObject) {
        match self {
            Self::Entra(scan) => scan.add(object),
            Self::Idfix(scan, result) => {
                result.objects += 1;
                match scan.check(&object) {
                    IdfixCheck::Excluded(reason) => {
                        result.excluded.push((object.key(), Exclusion::new(reason.id(), reason.to_string())));
                    }
                    IdfixCheck::Findings(findings) => result.findings.extend(findings),
                }
            }
        }
    }

    /// Ends the scan.
    pub(super) fn finish(self) -> ScanResult {
        match self {
            Self::Entra(scan) => scan.finish(),
            Self::Idfix(_, mut result) => {
                let mut rules = BTreeMap::new();
                for finding in &result.findings {
                    rules.entry(finding.rule.clone()).or_insert_with(|| {
                        RuleInfo::new(
                            finding.rule.clone(),
                            format!("The checks of IdFix for {}", finding.attribute),
                            finding.severity,
                        )
                        .with_source("IdFix 2.6.0.3")
                    });
                }
                result.catalog = rules.into_values().collect();
                result
            }
        }
    }
}
