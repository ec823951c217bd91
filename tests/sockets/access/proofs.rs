//! What a login or a token has opened ends with it.

use super::*;

/// A stream that was opened with a login ends with it, others of the same user do not.
#[test]
fn logging_out_ends_the_streams_that_the_login_opened() {
    book::claims!("access-ends", 1);
    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

    live::run(TWO_MINUTES, async {
        let product = Product::start();
        let (_client, mut by_token) = live::connect(&product, &live::login(&product, "ada")).await;
        let web = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let credentials = json!({"username": "ada", "password": live::demo(&product).users["ada"].password});
        let answer = web.post(format!("{}/login", product.url())).json(&credentials).send().await.expect("an answer");
        let cookie =
            answer.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
        let mut request = format!("ws://{}/_stream", product.address()).into_client_request().expect("an address");
        request.headers_mut().insert("cookie", cookie.parse().expect("text"));
        request.headers_mut().insert("origin", product.url().parse().expect("text"));
        let (mut stream, _) = tokio_tungstenite::connect_async(request).await.expect("the login opens a stream");
        assert!(matches!(stream.next().await, Some(Ok(Message::Text(text))) if text.contains("welcome")));
        let out =
            web.post(format!("{}/logout", product.url())).header("cookie", cookie).send().await.expect("an answer");
        assert!(out.status().is_redirection());
        let closed = tokio::time::timeout(A_SECOND, async {
            loop {
                match stream.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(closed.await.expect("within a second"), 4500);
        while let Some(event) = by_token.try_recv() {
            assert!(!matches!(event, Event::Ended(_)), "another stream of the same user: {event:?}");
        }
    });
}

/// Revoking a token ends what lives by any token of the same authorisation.
#[test]
fn a_revoked_token_ends_its_stream() {
    book::claims!("access-ends", 1);
    live::run(TWO_MINUTES, async {
        let product = Product::start();
        let token = live::login(&product, "grace").access_token().await.expect("a token");
        let (_client, mut events) = Client::connect(product.url(), token.clone()).await.expect("she may");
        let form = [("token", token.as_str()), ("client_id", "widgetapp-cli")];
        let began = clock::now();
        let revoked = reqwest::Client::new().post(format!("{}/oauth/revoke", product.url())).form(&form).send().await;
        assert_eq!(revoked.expect("an answer").status(), 200);
        assert_eq!(until_closed(&mut events).await, 4500);
        assert!(began.elapsed() < A_SECOND);
    });
}
