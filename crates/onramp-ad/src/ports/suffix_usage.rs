//! The usage of a UPN suffix: principals with it, and organizational units that offer it.

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_core::forest::{SuffixUsage, UnitSuffix};
use onramp_core::{AttributeName, DomainName, ErrorKind, LdapFilter, Result, UpnSuffix};

use crate::ports::suffixes::{ATTRIBUTE, DirectorySuffixes};
use crate::ports::users::holders_of;
use crate::search::object::invalid_value;
use crate::search::request::Search;

const OBJECT_CATEGORY: AttributeName = AttributeName::from_static("objectCategory");
const SUFFIXES: AttributeName = AttributeName::from_static(ATTRIBUTE);

impl DirectorySuffixes {
    /// Lists the suffixes of organizational units. They are not in the global catalog, so that each domain is
    /// searched.
    pub(crate) async fn suffixes_of_units(&self) -> Result<Vec<UnitSuffix>> {
        let mut suffixes = Vec::new();
        for domain in self.0.domains().await? {
            let context = &domain.naming_context;
            let handle = self.0.writable_dc(context).await?;
            let units = LdapFilter::equal(&OBJECT_CATEGORY, "organizationalUnit")
                .and(&LdapFilter::present(&SUFFIXES));
            let mut units = Box::pin(handle.entries(Search::below(context, units, &[ATTRIBUTE])));
            while let Some(unit) = units.next().await {
                let unit = unit.map_err(|error| {
                    error
                        .during("list the UPN suffixes of the organizational units below")
                        .with_object(context)
                })?;
                let held: Vec<UpnSuffix> =
                    unit.all_texts(ATTRIBUTE).filter_map(|text| UpnSuffix::parse(&text).ok()).collect();
                if held.is_empty() {
                    continue;
                }
                // A unit with suffixes must not be skipped: their use would go unnoticed.
                let dn = unit.name().map_err(|error| invalid_value(&unit, &error))?;
                suffixes.extend(held.into_iter().map(|suffix| UnitSuffix::new(dn.clone(), suffix)));
            }
        }
        Ok(suffixes)
    }

    /// Searches the usage of a suffix. No index supports the end of a name, so that the server reads every
    /// principal; only matching ones are sent.
    pub(crate) async fn usage_of(&self, suffix: &UpnSuffix) -> Result<SuffixUsage> {
        let mut usage = SuffixUsage::default();
        let filter = having(suffix);
        let domains = self.0.domains().await?.into_iter();
        let holders = stream::iter(domains.map(|domain| {
            stream::once(holders_of(self.0.clone(), domain.naming_context, filter.clone())).try_flatten()
        }));
        let mut holders = Box::pin(holders.flatten());
        while let Some(holder) = holders.next().await {
            match holder {
                // The principal matched the filter, so that it has the suffix even if its name is unreadable.
                Err(error) if error.kind() == ErrorKind::Unreadable => usage.principals += 1,
                holder => usage.add(holder?),
            }
        }
        for offered in self.suffixes_of_units().await? {
            if offered.suffix.is_same_as(suffix) && !usage.units.contains(&offered.unit) {
                usage.units.push(offered.unit);
            }
        }
        Ok(usage)
    }
}

/// Returns a filter for principals with that suffix; an internationalized one in both forms.
fn having(suffix: &UpnSuffix) -> LdapFilter {
    const UPN: AttributeName = AttributeName::from_static("userPrincipalName");
    let with = |text: &str| LdapFilter::ends_with(&UPN, &format!("@{text}"));
    let as_given = with(suffix.as_str());
    let Ok(domain) = DomainName::parse_directory(suffix.as_str()) else { return as_given };
    let given = suffix.as_str().to_lowercase();
    let mut others = vec![domain.ascii().to_owned(), domain.unicode()];
    others.dedup();
    others.retain(|other| *other != given);
    others.iter().fold(as_given, |filter, other| filter.or(&with(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_an_internationalised_name_are_looked_for_and_nothing_breaks_out_of_the_filter() {
        let filter = |text: &str| having(&UpnSuffix::parse(text).unwrap()).as_str().to_owned();
        assert_eq!(filter("Contoso.com"), "(userPrincipalName=*@Contoso.com)");
        let both = "(|(userPrincipalName=*@bücher.example)(userPrincipalName=*@xn--bcher-kva.example))";
        assert_eq!(filter("bücher.example"), both);
        let both = "(|(userPrincipalName=*@XN--bcher-kva.example)(userPrincipalName=*@bücher.example))";
        assert_eq!(filter("XN--bcher-kva.example"), both);
        assert_eq!(filter("corp_ad.local"), "(userPrincipalName=*@corp_ad.local)");
        assert_eq!(filter("a)(b*"), r"(userPrincipalName=*@a\29\28b\2a)");
    }
}
