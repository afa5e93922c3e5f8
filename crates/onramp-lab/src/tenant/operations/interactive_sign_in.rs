//! Sign-in of people: authorization codes, device codes, refresh tokens.

use crate::tenant::data::state::State;
use crate::tenant::sign_in::interactive::Code;
use crate::tenant::sign_in::interactive::DEVICE_CODE_LIFE;
use crate::tenant::sign_in::interactive::Device;
use crate::tenant::sign_in::interactive::Refresh;
use crate::tenant::sign_in::tokens::Aadsts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

/// The lifetime of an authorization code.
const CODE_LIFE: Duration = Duration::minutes(10);

impl State {
    /// Issues an authorization code for a person who signed in at the browser.
    pub(crate) fn begin_code(&mut self, mut code: Code, now: OffsetDateTime) -> String {
        code.expires = now + CODE_LIFE;
        let text = self.draw.letters(60);
        self.interactive_sign_ins.codes.insert(text.clone(), code);
        text
    }

    /// Redeems an authorization code, once, for the user who signed in.
    pub(crate) fn redeem_code(
        &mut self,
        text: &str,
        client: &str,
        redirect_uri: &str,
        verifier: &str,
        now: OffsetDateTime,
    ) -> Result<String, Aadsts> {
        let used = || {
            Aadsts::new(
                54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code.",
            )
        };
        let code = self.interactive_sign_ins.codes.remove(text).ok_or_else(used)?;
        if code.expires < now {
            return Err(Aadsts::new(70_008, "The provided authorization code or refresh token has expired."));
        }
        if !code.client.eq_ignore_ascii_case(client) || code.redirect_uri != redirect_uri {
            return Err(Aadsts::new(50_011, "The redirect URI specified in the request does not match."));
        }
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != code.challenge {
            return Err(Aadsts::new(
                501_481,
                "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
            ));
        }
        Ok(code.user)
    }

    /// Issues a device code, and the code that the person enters.
    pub(crate) fn begin_device(&mut self, client: &str, now: OffsetDateTime) -> (String, String) {
        let (device_code, user_code) = (self.draw.letters(60), self.draw.letters(9).to_uppercase());
        let device = Device {
            client: client.to_owned(),
            user_code: user_code.clone(),
            expires: now + DEVICE_CODE_LIFE,
            answer: None,
        };
        self.interactive_sign_ins.devices.insert(device_code.clone(), device);
        (device_code, user_code)
    }

    /// Enters a code as a person does, who goes on or declines. Returns true if the code is known.
    pub(crate) fn enter_device_code(&mut self, user_code: &str, answer: Result<String, ()>) -> bool {
        let mut devices = self.interactive_sign_ins.devices.values_mut();
        match devices.find(|device| device.user_code.eq_ignore_ascii_case(user_code)) {
            Some(device) => {
                device.answer = Some(answer);
                true
            }
            None => false,
        }
    }

    /// Redeems a device code for the user who entered it.
    pub(crate) fn redeem_device(
        &mut self,
        device_code: &str,
        client: &str,
        now: OffsetDateTime,
    ) -> Result<String, Aadsts> {
        let device = self.interactive_sign_ins.devices.get(device_code);
        let device = device
            .filter(|device| device.client.eq_ignore_ascii_case(client))
            .ok_or_else(|| Aadsts::new(70_019, "Verification code expired or is not known."))?;
        if device.expires < now {
            return Err(Aadsts::new(70_020, "The device code has expired."));
        }
        match device.answer.clone() {
            None => Err(Aadsts::new(
                70_016,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            )),
            Some(Err(())) => Err(Aadsts::new(70_000, "The user declined the sign-in.")),
            Some(Ok(user)) => {
                self.interactive_sign_ins.devices.remove(device_code);
                Ok(user)
            }
        }
    }

    pub(crate) fn issue_refresh_token(&mut self, client: &str, user: &str, now: OffsetDateTime) -> String {
        let token = self.draw.letters(80);
        let refresh = Refresh { client: client.to_owned(), user: user.to_owned(), issued: now };
        self.interactive_sign_ins.refresh.insert(token.clone(), refresh);
        token
    }

    /// Redeems a refresh token, once, for the user whose tokens it renews.
    pub(crate) fn redeem_refresh_token(&mut self, token: &str, client: &str) -> Result<String, Aadsts> {
        let refused = || Aadsts::new(50_173, "The provided grant has expired due to it being revoked.");
        let refresh = self.interactive_sign_ins.refresh.remove(token).ok_or_else(refused)?;
        let user = self.users.find(&refresh.user).and_then(|seq| self.users.get(seq)).ok_or_else(refused)?;
        let is_void = user.sign_in.valid_from.is_some_and(|from| refresh.issued < from);
        if is_void || !user.account_enabled || !refresh.client.eq_ignore_ascii_case(client) {
            return Err(refused());
        }
        Ok(refresh.user)
    }

    /// Ends every sign-in of every person.
    pub(crate) fn forget_refresh_tokens(&mut self) {
        self.interactive_sign_ins.refresh.clear();
    }
}
