//! The checks of each attribute (`ComposedRule`).

use super::column::Column;
use super::mode::IdfixMode;
use super::primitive::{Blank, Primitive};
use super::text::{has_smtp, is_white_space, starts_with};

/// The checks that each value goes through.
pub(super) fn primitives(column: Column, mode: IdfixMode) -> &'static [Primitive] {
    match mode {
        IdfixMode::MultiTenant => multi_tenant(column),
        IdfixMode::Dedicated => dedicated(column),
    }
}

/// `MultiTenantRuleCollection.Rules`.
fn multi_tenant(column: Column) -> &'static [Primitive] {
    match column {
        Column::DisplayName => &[Primitive::Length(255), Primitive::Blank(Blank::CommonName)],
        Column::GivenName => &[Primitive::Length(63)],
        Column::Mail => &[Primitive::Length(256), Primitive::Duplicate],
        Column::MailNickname => &[Primitive::Length(64), Primitive::LeadingDots, Primitive::Duplicate],
        Column::ProxyAddresses => &[Primitive::Length(256), Primitive::SecondColon, Primitive::Duplicate],
        Column::SamAccountName => &[
            Primitive::LengthOfAccountName,
            Primitive::Characters(|c| "\\\"|,/[]:<>+=;?*".contains(c)),
            Primitive::DuplicateWithoutUpn,
        ],
        Column::TargetAddress => &[Primitive::Length(255), Primitive::SecondColon, Primitive::Duplicate],
        Column::UserPrincipalName => &[
            Primitive::Length(113),
            Primitive::Characters(|c| {
                is_white_space(c) || "\\%&*+/=?'{}|<>();:,[]\"äëïöüÿÄËÏÖÜŸ".contains(c)
            }),
            Primitive::Address,
            Primitive::Duplicate,
        ],
    }
}

/// `DedicatedRuleCollection.Rules`. Its last check of `mailNickname`, of dots at start and end, never reports anything and
/// is left out: the result of `MailNickNamePeriodsRule` is thrown away.
fn dedicated(column: Column) -> &'static [Primitive] {
    match column {
        Column::DisplayName => {
            &[Primitive::Length(256), Primitive::OuterWhiteSpace, Primitive::Blank(Blank::OfGroup)]
        }
        Column::Mail => &[
            Primitive::Length(256),
            Primitive::Characters(is_white_space),
            Primitive::Address,
            Primitive::Duplicate,
        ],
        Column::MailNickname => &[
            Primitive::Length(64),
            Primitive::Characters(|c| is_white_space(c) || "\\!#$%&*+/=?^`{}|~<>()';:,[]\"@".contains(c)),
            Primitive::Duplicate,
            Primitive::Blank(Blank::NicknameOfContact),
        ],
        Column::ProxyAddresses => &[Primitive::Length(256), Primitive::SecondColon, Primitive::Duplicate],
        Column::TargetAddress => &[Primitive::Length(256), Primitive::Blank(Blank::TargetAddress)],
        Column::GivenName | Column::SamAccountName | Column::UserPrincipalName => &[],
    }
}

/// The checks that follow, by the kind of the original value (`ProxyAddressComposedRule`, `TargetAddressComposedRule`).
pub(super) fn more(column: Column, mode: IdfixMode, original: &str) -> &'static [Primitive] {
    let is_smtp = has_smtp(original);
    match (column, mode) {
        (Column::ProxyAddresses, IdfixMode::MultiTenant) if is_smtp => {
            &[Primitive::Characters(|c| is_white_space(c) || "<>();,[]\"".contains(c)), Primitive::Address]
        }
        (Column::ProxyAddresses, IdfixMode::MultiTenant) if is_x400_or_x500(original) => {
            &[Primitive::Characters(|c| matches!(c, '\u{9}'..='\u{d}') || "[]\"'".contains(c))]
        }
        (Column::ProxyAddresses, IdfixMode::MultiTenant) => {
            &[Primitive::Characters(|c| is_white_space(c) || "<>(),[]\"".contains(c))]
        }
        (Column::TargetAddress, IdfixMode::MultiTenant) if is_smtp => {
            &[Primitive::Characters(|c| is_white_space(c) || "\\<>();,[]\"".contains(c)), Primitive::Address]
        }
        (Column::TargetAddress, IdfixMode::MultiTenant) => {
            &[Primitive::Characters(|c| is_white_space(c) || "\\<>(),[]\"".contains(c))]
        }
        (Column::ProxyAddresses | Column::TargetAddress, IdfixMode::Dedicated) if is_smtp => {
            &[Primitive::Address]
        }
        _ => &[],
    }
}

/// `^x\.?400` or `^x\.?500`, case ignored.
fn is_x400_or_x500(value: &str) -> bool {
    ["x400", "x.400", "x500", "x.500"].iter().any(|prefix| starts_with(value, prefix))
}
