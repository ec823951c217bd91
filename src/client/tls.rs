//! Whom the client trusts: the system's certificate authorities, or a given one.

use std::{
    error::Error,
    io,
    sync::{Arc, Once},
};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The text is not a certificate in PEM form.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not a certificate in PEM form: {0}")]
pub struct BadCertificate(String);

/// Why the server's certificate is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It can be traced to nobody who is trusted here.
    #[error("nobody who is trusted here has issued it")]
    UnknownIssuer,
    /// It is one to sign others with (`CA:TRUE`), as `openssl req -x509` makes them by itself; servers must not use it.
    #[error("it is an authority's, not a server's (CA:TRUE)")]
    Authority,
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl Distrust {
    /// What this error, or one of those that caused it, says of the certificate.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(Self::from(why));
        }
        // An IO error hides the one that it was made of from `source`.
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match within {
            Some(within) => Self::of(within),
            None => Self::of(error.source()?),
        }
    }
}

impl From<&CertificateError> for Distrust {
    fn from(why: &CertificateError) -> Self {
        match why {
            // The signature is wrong where somebody else of the issuer's name is trusted.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            // The type of this error is not rustls's own, and cannot be named.
            why if format!("{why:?}").contains("CaUsedAsEndEntity") => Self::Authority,
            why => Self::Other(why.to_string()),
        }
    }
}

/// Makes ring the provider of all TLS in this process that names none (reqwest and tungstenite).
pub(super) fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error says that the program has installed one itself, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A configuration that trusts these authorities only.
pub(super) fn trusting(pem: &[u8]) -> Result<Arc<ClientConfig>, BadCertificate> {
    let bad = |error: &dyn std::fmt::Display| BadCertificate(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| bad(&error))?;
        roots.add(certificate).map_err(|error| bad(&error))?;
    }
    if roots.is_empty() {
        return Err(bad(&"there is none in it"));
    }
    install_provider();
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_can_be_trusted_and_other_text_cannot() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        assert!(trusting(made.cert.pem().as_bytes()).is_ok());
        assert!(trusting(b"").is_err());
        assert!(trusting(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
    }
}
