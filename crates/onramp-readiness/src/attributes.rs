//! The attributes that rules read.

use onramp_core::AttributeName;

macro_rules! attributes {
    ($($constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`.")] pub const $constant: AttributeName = AttributeName::from_static($name);)*

        /// Returns the constant of a name in any case, which costs no allocation, or the name itself.
        ///
        /// # Errors
        /// A name that no attribute can have.
        pub fn parse(name: &str) -> Result<AttributeName, onramp_core::ParseError> {
            $(if name.eq_ignore_ascii_case($name) { return Ok($constant); })*
            AttributeName::parse(name)
        }
    };
}

attributes! {
    USER_PRINCIPAL_NAME = "userPrincipalName";
    PROXY_ADDRESSES = "proxyAddresses";
    MAIL = "mail";
    MAIL_NICKNAME = "mailNickname";
    TARGET_ADDRESS = "targetAddress";
    SAM_ACCOUNT_NAME = "sAMAccountName";
    DISPLAY_NAME = "displayName";
    OBJECT_CLASS = "objectClass";
    OBJECT_GUID = "objectGUID";
    OBJECT_SID = "objectSid";
    CN = "cn";
    GIVEN_NAME = "givenName";
    SN = "sn";
    COMPANY = "company";
    DEPARTMENT = "department";
    TITLE = "title";
    TELEPHONE_NUMBER = "telephoneNumber";
    MEMBER = "member";
    GROUP_TYPE = "groupType";
    HOME_MDB = "homeMDB";
    DISTINGUISHED_NAME = "distinguishedName";
    IS_CRITICAL_SYSTEM_OBJECT = "isCriticalSystemObject";
    USER_ACCOUNT_CONTROL = "userAccountControl";
    WHEN_CREATED = "whenCreated";
    CONSISTENCY_GUID = "mS-DS-ConsistencyGuid";
    HIDE_FROM_ADDRESS_LISTS = "msExchHideFromAddressLists";
    RECIPIENT_TYPE_DETAILS = "msExchRecipientTypeDetails";
}
