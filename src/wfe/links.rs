//! The links to the SFEs: their requests go to the services, what the services say goes back.

use std::{io, rc::Rc};

use futures_util::FutureExt as _;
use tokio_seqpacket::UnixSeqpacket;

use super::{Verifier, handover::Handovers, live_access::LiveAccess, sessions::Sessions};
use crate::{
    access::{self, Door},
    ipc::{
        control::LinkEnd,
        link,
        messages::{AWARENESS, QUERY_AWARENESS, Request, WfeDown, WfeUp},
    },
    open_things::{Command, Listener},
    protocol::{CloseCode, ErrorCode, action, action::Action, presence, sync as sync_port},
    services::{
        call::{Call, StreamWay, Way},
        session,
        sync::{self, Asked},
        useraction::UserActions,
    },
};

/// What the links work with.
pub struct Links {
    /// Connections on their way to an SFE.
    pub handovers: Rc<Handovers>,
    /// Who is connected.
    pub sessions: Rc<Sessions>,
    /// Whether they may still.
    pub live_access: Rc<LiveAccess>,
    /// Port 200.
    pub actions: Rc<UserActions>,
    /// Port 0.
    pub verifier: Verifier,
}

impl Links {
    /// Serves a link to an SFE until it ends.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn follow(&self, sfe: u16, number: u64, end: LinkEnd) -> io::Result<()> {
        let (sender, mut receiver) = link::open::<WfeDown, WfeUp>(end.messages)?;
        let listener = Listener { link: number, sender };
        self.sessions.open(&listener);
        self.handovers.open(sfe, number, UnixSeqpacket::try_from(end.sockets)?);
        let mut messages = Vec::new();
        let over = loop {
            if let Err(error) = receiver.receive(&mut messages).await {
                break error;
            }
            for message in messages.drain(..) {
                self.hear(&listener, message);
            }
        };
        self.handovers.close(sfe, number);
        self.sessions.close(number);
        self.actions.presence.lost(number);
        self.actions.things.forget(number);
        Err(over)
    }

    fn hear(&self, listener: &Listener, message: WfeUp) {
        let link = listener.link;
        match message {
            WfeUp::Taken(session) => self.handovers.arrived(session),
            WfeUp::Lost(session) => self.handovers.lost(session),
            WfeUp::NoRoom(session) => self.handovers.refuse(session),
            WfeUp::Connected { session, caller, open, request_id } => {
                self.live_access.connected((link, session), caller, &open, request_id);
            }
            WfeUp::Closed { session, thing } => {
                self.sessions.set_role((link, session), thing, None);
                self.actions.presence.left(thing, &[session]);
            }
            WfeUp::Gone(session) => {
                self.sessions.gone((link, session));
                self.actions.presence.gone(&[session]);
            }
            WfeUp::Resume { thing, epoch, after, wanted } => {
                let resume = Command::Resume { listener: listener.clone(), epoch, after, wanted };
                self.actions.things.ask(thing, resume);
            }
            WfeUp::Leave(thing) => self.actions.things.tell_if_open(thing, Command::Leave(link)),
            WfeUp::Resumed => {}
            WfeUp::Request(request) => self.request(listener, request),
        }
    }

    /// Access is decided for each message, by what is on record at that moment.
    fn request(&self, listener: &Listener, request: Request) {
        let session = request.session;
        let way = match StreamWay::of(&request, listener) {
            Ok(way) => way,
            Err(error) => {
                tracing::error!(%session, %error, "an SFE let through what is no request");
                let code = CloseCode::ProtocolError.number();
                return listener.sender.send(&WfeDown::Close { session, code, reason: error.to_string() });
            }
        };
        // Its end is on the way: nothing more is taken, and there is nobody to answer.
        let Some(caller) = self.sessions.caller((listener.link, session)) else { return };
        let request_id = self.sessions.request_id((listener.link, session));
        let _named = tracing::info_span!("request", request_id = request_id.as_deref()).entered();
        let (head, store) = (way.head(), &self.actions.store);
        let permit = |action| access::decide(store, &caller, Door::Stream, action, head.thing.as_deref());
        let refuse = |way, error| Way::Stream(way).refuse(error);
        match head.port {
            action::PORT => match Action::from_name(&head.name).map(permit) {
                Some(Ok(permit)) => self.actions.run(Call::stream(permit, request, way)),
                Some(Err(error)) => refuse(way, error),
                None => refuse(way, ErrorCode::UnknownName.into()),
            },
            sync_port::PORT => match Asked::read(&request).and_then(|asked| Ok((permit(asked.action())?, asked))) {
                Ok((permit, asked)) => sync::run(&self.actions, Call::stream(permit, request, way), asked),
                Err(error) => refuse(way, error),
            },
            // To say where one is in a Thing, one has to see it.
            presence::PORT => match permit(Action::Open) {
                Ok(permit) => {
                    let (presence, things) = (&self.actions.presence, &self.actions.things);
                    let call = Call::stream(permit, request, way);
                    match head.name.as_str() {
                        AWARENESS => presence.awareness(things, call),
                        QUERY_AWARENESS => presence.query(things, call),
                        _ => presence.cursor(things, call),
                    }
                }
                Err(error) => refuse(way, error),
            },
            _ => {
                let (verifier, sessions) = (self.verifier.clone(), self.sessions.clone());
                let mut refresh = Box::pin(session::refresh(verifier, store.clone(), sessions, request, way));
                // Done before what comes after it, unless it has to wait for another issuer.
                if refresh.as_mut().now_or_never().is_none() {
                    tokio::task::spawn_local(refresh);
                }
            }
        }
    }
}
