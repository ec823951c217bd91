//! Whom the client trusts: the system's certificate authorities, or a given one.

use std::sync::{Arc, Once};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The text is not a certificate in PEM form.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not a certificate in PEM form: {0}")]
pub struct BadCertificate(String);

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
