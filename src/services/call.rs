//! One call of a service, whichever door it came through: its body, and the way back.

use std::rc::Rc;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    access::{Permit, Principal, Role},
    ipc::{
        link,
        messages::{Effect, OpenThing, Request, WfeDown, Whereabouts},
    },
    metrics,
    open_things::Listener,
    protocol::{
        Codec, DecodeError, ErrorBody, ErrorCode, Outgoing, RequestHead, ThingId,
        action::{Action, Form},
        limits,
        message::WithBody,
        misfit,
    },
    store::Store,
};

/// A call.
pub struct Call {
    permit: Permit,
    /// On a stream, the last change that the caller had seen.
    seen: Option<u64>,
    /// The way back.
    pub answer: Way,
    body: Body,
}

enum Body {
    Message(Codec, Bytes),
    Json(Value),
}

/// The way back to the caller.
pub enum Way {
    /// To a session.
    Stream(StreamWay),
    /// To an HTTP request.
    Http(oneshot::Sender<Result<Value, ErrorBody>>),
}

/// The way back to a session.
pub struct StreamWay {
    /// The SFE that runs it.
    pub listener: Listener,
    /// The session.
    pub session: Uuid,
    /// How it encodes its messages.
    pub codec: Codec,
    sequence: u64,
    head: Rc<RequestHead>,
}

/// What a successful reply says beside its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The reply stands here in the Thing's order.
    pub offset: Option<u64>,
    /// The request opened the Thing in this form and role, in this epoch.
    pub opened: Option<(Form, Role, &'a str)>,
    /// The caller is here in the Thing from now on.
    pub whereabouts: Option<&'a Whereabouts>,
}

impl Call {
    /// A call by HTTP.
    pub fn http(permit: Permit, body: Value, answer: oneshot::Sender<Result<Value, ErrorBody>>) -> Self {
        Self { permit, seen: None, answer: Way::Http(answer), body: Body::Json(body) }
    }

    /// A request of a session.
    pub fn stream(permit: Permit, request: Request, way: StreamWay) -> Self {
        Self {
            permit,
            seen: request.seen,
            answer: Way::Stream(way),
            body: Body::Message(request.codec, request.message),
        }
    }

    /// Who calls.
    pub fn caller(&self) -> &Principal {
        self.permit.caller()
    }

    /// What for.
    pub fn action(&self) -> Action {
        self.permit.action()
    }

    /// The Thing that the call is about, and the caller's role on it.
    ///
    /// # Errors
    /// None is named.
    pub fn on(&self) -> Result<(ThingId, Role), ErrorBody> {
        Self::on_thing(&self.permit)
    }

    /// The same, decided anew: time has passed since the permit was given.
    ///
    /// # Errors
    /// It would not be given any more.
    pub fn confirmed(&self, store: &Store) -> Result<(ThingId, Role), ErrorBody> {
        Self::on_thing(&self.permit.confirm(store)?)
    }

    fn on_thing(permit: &Permit) -> Result<(ThingId, Role), ErrorBody> {
        permit.on().ok_or_else(|| ErrorBody::new(ErrorCode::InvalidAction, "this action needs a \"thing\""))
    }

    /// The last change that the author of an edit had seen, if they say so: over HTTP, what stands beside the body of
    /// a message on a stream stands in it.
    ///
    /// # Errors
    /// It is no offset.
    pub fn seen(&self) -> Result<Option<u64>, ErrorBody> {
        let Body::Json(body) = &self.body else { return Ok(self.seen) };
        let offset = body.get("offset").filter(|offset| !offset.is_null());
        let read = |offset: &Value| offset.as_u64().ok_or_else(|| unfit("\"offset\" is the number of a change"));
        offset.map(read).transpose()
    }

    /// The body as this action knows it.
    ///
    /// # Errors
    /// It is something else; the error names the place.
    pub fn body<T: DeserializeOwned>(&mut self) -> Result<T, ErrorBody> {
        let decoded = match &mut self.body {
            Body::Message(codec, message) => {
                codec.decode::<WithBody<T>>(message).map(|decoded| decoded.body).map_err(|error| error.to_string())
            }
            Body::Json(value) => misfit::read(value.take()),
        };
        decoded.map_err(unfit)
    }

    /// Like [`Call::body`], for actions whose body may be left out.
    ///
    /// # Errors
    /// There is a body and it is something else.
    pub fn optional_body<T: DeserializeOwned + Default>(&mut self) -> Result<T, ErrorBody> {
        #[derive(serde::Deserialize)]
        #[serde(bound = "T: DeserializeOwned")]
        struct Optional<T> {
            #[serde(default = "Option::default")]
            body: Option<T>,
        }
        if let Body::Message(codec, message) = &self.body {
            let decoded = codec.decode::<Optional<T>>(message);
            return decoded.map(|decoded| decoded.body.unwrap_or_default()).map_err(unfit);
        }
        self.body()
    }

    /// The key under which the caller's change is made: the `given` one, or on a stream one that stands for this
    /// message, which may come again when a process was lost.
    ///
    /// # Errors
    /// The given one is empty or too long.
    pub fn key(&self, given: Option<String>) -> Result<Option<String>, ErrorBody> {
        let fits = |key: &String| !key.is_empty() && key.len() <= limits::MAX_KEY_BYTES;
        match (given, &self.answer) {
            (Some(key), _) if !fits(&key) => {
                let why =
                    format!("a \"key\" has 1 to {} bytes; choose a new one for each change", limits::MAX_KEY_BYTES);
                Err(ErrorBody::new(ErrorCode::InvalidAction, why))
            }
            (Some(key), _) => Ok(Some(key)),
            (None, Way::Stream(way)) => Ok(Some(format!("{}/{}", way.session, way.sequence))),
            (None, Way::Http(_)) => Ok(None),
        }
    }

    /// Whether the caller may do something else to the same Thing too.
    pub fn may(&self, store: &Store, action: Action) -> bool {
        self.permit.allows(store, action)
    }

    /// The session that called, if it was one, and the link over which it is reached.
    pub fn place(&self) -> Option<(u64, Uuid)> {
        match &self.answer {
            Way::Stream(way) => Some((way.listener.link, way.session)),
            Way::Http(_) => None,
        }
    }

    /// The session that called, if it was one.
    pub fn session(&self) -> Option<Uuid> {
        match &self.answer {
            Way::Stream(way) => Some(way.session),
            Way::Http(_) => None,
        }
    }
}

fn unfit(why: impl std::fmt::Display) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidAction, format!("the body does not fit this action: {why}"))
}

impl StreamWay {
    /// The way back for a request. Its head was decoded once by the SFE, which let it through.
    ///
    /// # Errors
    /// The SFE let through what has no head.
    pub fn of(request: &Request, listener: &Listener) -> Result<Self, DecodeError> {
        Ok(Self {
            listener: listener.clone(),
            session: request.session,
            codec: request.codec,
            sequence: request.sequence,
            head: Rc::new(request.codec.decode(&request.message)?),
        })
    }

    /// What the request says before its body.
    pub fn head(&self) -> Rc<RequestHead> {
        self.head.clone()
    }

    /// Whether the request has an id: without one it gets no reply.
    pub fn names_request(&self) -> bool {
        self.head.id.is_some()
    }
}

impl Way {
    /// Answers.
    pub fn finish<T: Serialize>(self, result: Result<T, ErrorBody>, place: Place<'_>) {
        match self {
            Self::Http(answer) => {
                let body = result.map(|body| serde_json::to_value(body).expect("the protocol's bodies are JSON"));
                // Whoever asked may have gone.
                let _ = answer.send(body);
            }
            Self::Stream(way) => way.finish(result, place),
        }
    }

    /// Answers with an error.
    pub fn refuse(self, error: ErrorBody) {
        self.finish::<()>(Err(error), Place::default());
    }
}

impl StreamWay {
    fn finish<T: Serialize>(self, result: Result<T, ErrorBody>, place: Place<'_>) {
        let Self { listener, session, codec, sequence, head } = self;
        let id = head.id.map(Into::into);
        let thing: Option<ThingId> = head.thing.as_deref().and_then(|thing| thing.parse().ok());
        let effect = match (&result, thing, place) {
            (Ok(_), Some(thing), Place { offset: Some(offset), opened: Some((form, role, epoch)), .. }) => {
                let (join, epoch) = (id.unwrap_or(0), epoch.into());
                let whereabouts = Whereabouts::default();
                Some(Effect::Opened(OpenThing { thing, join, form, role, epoch, offset, whereabouts }))
            }
            (Ok(_), Some(thing), Place { offset: Some(offset), .. }) => Some(Effect::At(thing, offset)),
            (Ok(_), Some(thing), Place { whereabouts: Some(now), .. }) => Some(Effect::Whereabouts(thing, now.clone())),
            _ => None,
        };
        let (failed, opened) = (result.is_err(), place.opened.is_some());
        let (body, error) = match result {
            Ok(body) => (Some(body), None),
            Err(error) => {
                metrics::error(error.code);
                (None, Some(error))
            }
        };
        let message = (id.is_some() || failed).then(|| {
            let reply = Outgoing {
                port: head.port,
                name: &head.name,
                id,
                thing: head.thing.clone(),
                join: if opened { id } else { None },
                offset: place.offset.filter(|_| !failed),
                body,
                error,
            };
            Bytes::from(codec.encode(&reply))
        });
        let sender: &link::Sender<WfeDown> = &listener.sender;
        sender.send(&WfeDown::Reply { session, sequence, effect, message });
    }
}
