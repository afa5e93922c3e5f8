//! Users and how they sign in, by ports that break a promise.

use async_trait::async_trait;
use futures_util::StreamExt;
use onramp_core::tenant::{
    DeletedUser, MfaState, NewUser, PasswordProtection, PasswordProtectionSettings, RoleTemplateId,
    SecondFactor, SignIn, SignInProbe, TenantUser, TenantUsers, UserUpdate,
};
use onramp_core::{BoxStream, ErrorKind, ObjectId, Password, Result, Upn};

use super::{Broken, Mutant, hide};

#[async_trait]
impl TenantUsers for Mutant {
    fn list(&self) -> BoxStream<'static, Result<TenantUser>> {
        let all = self.sound.users.list();
        if self.is(Broken::ListsNobody) { all.take(0).boxed() } else { all }
    }

    async fn get(&self, id: &ObjectId) -> Result<TenantUser> {
        self.sound.users.get(id).await
    }

    async fn find(&self, upn: &Upn) -> Result<Option<TenantUser>> {
        let found = self.sound.users.find(upn).await?;
        let exact =
            |user: &TenantUser| !self.is(Broken::FindsByExactSpelling) || user.upn.as_str() == upn.as_str();
        Ok(found.filter(exact))
    }

    async fn create(&self, user: &NewUser) -> Result<TenantUser> {
        let mut user = user.clone();
        if self.is(Broken::ForgetsMails) {
            user.other_mails.clear();
        }
        match self.sound.users.create(&user).await {
            Err(error) if self.is(Broken::CreatesTwins) && error.is_already_exists() => {
                TenantUsers::find(self, &user.upn).await.map(Option::unwrap)
            }
            other => other,
        }
    }

    async fn update(&self, id: &ObjectId, update: &UserUpdate) -> Result<()> {
        let mut update = update.clone();
        if self.is(Broken::OverwritesWhatIsNotNamed) {
            update.other_mails.get_or_insert_default();
        }
        self.sound.users.update(id, &update).await
    }

    async fn set_password(&self, id: &ObjectId, password: &Password, force_change: bool) -> Result<()> {
        let set = self.sound.users.set_password(id, password, force_change).await;
        if self.is(Broken::TakesAnyPassword) { hide(set, ErrorKind::Invalid, ()) } else { set }
    }

    async fn delete(&self, id: &ObjectId) -> Result<()> {
        let deleted = self.sound.users.delete(id).await;
        if self.is(Broken::DeletesTwice) { hide(deleted, ErrorKind::NotFound, ()) } else { deleted }
    }

    fn deleted(&self) -> BoxStream<'static, Result<DeletedUser>> {
        self.sound.users.deleted()
    }

    async fn restore(&self, id: &ObjectId) -> Result<TenantUser> {
        match self.sound.users.restore(id).await {
            Err(error) if self.is(Broken::RestoresWhatIsThere) && error.is_not_found() => {
                self.sound.users.get(id).await
            }
            other => other,
        }
    }
}

#[async_trait]
impl SignIn for Mutant {
    async fn mfa_state(&self, user: &ObjectId) -> Result<MfaState> {
        let state = self.sound.sign_in.mfa_state(user).await?;
        Ok(if self.is(Broken::ForgetsMfa) { MfaState::Disabled } else { state })
    }

    async fn set_mfa_state(&self, user: &ObjectId, state: MfaState) -> Result<()> {
        self.sound.sign_in.set_mfa_state(user, state).await
    }

    async fn second_factor(&self, user: &ObjectId) -> Result<SecondFactor> {
        let mut all = self.sound.sign_in.second_factor(user).await?;
        if self.is(Broken::OverlooksTheUsersOwnState) {
            all.per_user = None;
        }
        Ok(all)
    }

    async fn sign_in_policies(&self, roles: &[RoleTemplateId]) -> Result<SecondFactor> {
        let all = self.sound.sign_in.sign_in_policies(roles).await?;
        Ok(if self.is(Broken::ForecastsNothing) { SecondFactor::default() } else { all })
    }

    async fn probe(&self, upn: &Upn, password: &Password) -> Result<SignInProbe> {
        let answer = self.sound.sign_in.probe(upn, password).await?;
        Ok(match (answer, self.broken) {
            (SignInProbe::WrongPassword, Broken::AcceptsWrongPasswords) => SignInProbe::Accepted,
            (SignInProbe::UnknownUser, Broken::KnowsEveryUser) => SignInProbe::WrongPassword,
            (answer, _) => answer,
        })
    }
}

#[async_trait]
impl PasswordProtection for Mutant {
    async fn read(&self) -> Result<PasswordProtectionSettings> {
        let mut rules = self.sound.password_protection.read().await?;
        if self.is(Broken::NeverLocksOut) {
            rules.lockout_threshold = 0;
        }
        Ok(rules)
    }
}
