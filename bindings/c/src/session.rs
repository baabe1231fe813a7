//! Sessions: deciding.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tollgate::{Arena, Call, RawRequest};

use crate::border::{Handle, Status, Tagged, array, borrow, bytes, guard, out, sent, tagged, text};
use crate::decision::{Decided, Decision};
use crate::entry::Entry;
use crate::error::{Error, Failure, free};
use crate::program::{Compiled, Program, share};
use crate::value::{Text, Value, inputs};

/// Decides, again and again, in the same memory. One for each thread; a session may move from one thread to another. It holds a
/// reference to its program.
pub struct Session {
    _opaque: [u8; 0],
}

impl Handle for Session {
    type Inner = Deciding;
    const TAG: u64 = 0x746f_6c6c_0000_0004;
    const NAME: &'static str = "session";
}

/// A session with all that its decision borrows. Fields are dropped in this order: what borrows goes first.
pub(crate) struct Deciding {
    /// Whether a call is under way: a second one, by another thread, is refused.
    busy: AtomicBool,
    decided: Tagged<Decided>,
    session: tollgate::Session<'static>,
    /// Values on their way in, and the id of the call.
    given: Arena,
    /// What the session borrows from.
    #[expect(dead_code, reason = "kept for as long as the session borrows from it")]
    program: Arc<Tagged<Compiled>>,
}

/// The inputs of a decision that are not facts. They are used where the entry's first parameter is no record with a field `id: String` or
/// `time: Instant` of its own.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CallInputs {
    /// The decision's id: what `jitter` is a function of, and what tells a decision that is made again from another one where states are asked.
    pub id: Text,
    /// The decision's time, in microseconds since 1970-01-01T00:00Z. States go by it.
    pub time: i64,
}

/// A header field of a request.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Header {
    /// Its name, in any case.
    pub name: Text,
    /// Its value, as sent.
    pub value: Text,
}

/// A request as a server has it. Only borrowed, for the length of the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Request {
    /// The decision's id.
    pub id: Text,
    /// When it came, in microseconds since 1970-01-01T00:00Z. States go by it.
    pub time: i64,
    /// The method, as sent.
    pub method: Text,
    /// The request target, as sent: `/a?b`, or `http://host/a?b`. It is decoded and made canonical by Tollgate, once.
    pub target: Text,
    /// The `:authority` of HTTP/2 and later; null where the field `Host` tells.
    pub authority: Text,
    /// The header fields in their order.
    pub headers: *const Header,
    /// How many.
    pub header_count: usize,
    /// The address of who is connected: `192.0.2.7`, `2001:db8::1`.
    pub peer_ip: Text,
    /// Its port.
    pub peer_port: u16,
    /// How many proxies in front are trusted, each of which adds the address it sees to `X-Forwarded-For`.
    pub trusted_proxies: u16,
    /// Whether the connection is encrypted: 0 is no.
    pub tls: i32,
}

/// What the header promises of threads: programs and entries are shared, sessions move.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn moves<T: Send>() {}
    shared::<Compiled>();
    shared::<tollgate::Form>();
    moves::<tollgate::Session<'static>>();
    moves::<Arena>();
};

// SAFETY: a session can move, and a program can be shared, as is asserted above. A decision borrows from the session and the program that lie beside
// it, and from nothing else; so what it points to moves with it, and one thread at a time uses both, to which `busy` sees.
unsafe impl Send for Deciding {}

/// A session. It takes a reference to the program; the caller keeps its own. Its decisions ask the states of the program, together with all
/// other sessions. Fails where a state is kept in a store that the program was not given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_new(
    program: *const Program,
    session: *mut *mut Session,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let session = out(session)?;
            let program = share(program)?;
            // SAFETY: the program lies in the `Arc` that stands beside the session and is dropped behind it, and nothing moves
            // out of an `Arc`.
            let place = &raw const program.inner.program;
            let borrowed: &'static tollgate::Program = &*place;
            let states = program.inner.kept.states(borrowed)?;
            let deciding = Deciding {
                busy: AtomicBool::new(false),
                decided: Tagged::new::<Decision>(Decided::default()),
                session: borrowed.session_with(states)?,
                given: Arena::new(),
                program,
            };
            *session = Box::into_raw(Box::new(Tagged::new::<Session>(deciding))).cast();
            Ok(())
        })
    }
}

/// Frees a session with its decision. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_free(session: *mut Session) {
    // SAFETY: the contract of the header: a live handle that is used no more.
    unsafe { free(session) }
}

/// Decides about facts as JSON: the entry's parameter, or an object of its parameters when it has several. `call` may be null: no id, time 0.
/// The decision belongs to the session and lives until that decides again or is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decide_json(
    session: *mut Session,
    entry: *const Entry,
    json: Text,
    call: *const CallInputs,
    decision: *mut *const Decision,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        decide(session, entry, decision, error, |session, entry, given| {
            let json = bytes(json, "the facts")?;
            let call = self::call(call, given)?;
            Ok(session.decide_json(entry.entry(), json, &call)?)
        })
    }
}

/// Decides about facts given value by value: one for each path of the entry, in the same order. `call` and the decision as in
/// `tollgate_decide_json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decide(
    session: *mut Session,
    entry: *const Entry,
    values: *const Value,
    count: usize,
    call: *const CallInputs,
    decision: *mut *const Decision,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        decide(session, entry, decision, error, |session, entry, given| {
            let values = inputs(values, count, given)?;
            let call = self::call(call, given)?;
            Ok(session.decide_form(entry, values, &call)?)
        })
    }
}

/// Decides about a request, for an entry of `tollgate_entry_of_requests`, and what that takes beside: one value for each path. The decision
/// as in `tollgate_decide_json`. What has two readings (two `Host` fields, a broken escape) is refused, so that rules never see another
/// request than the backend.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decide_request(
    session: *mut Session,
    entry: *const Entry,
    request: *const Request,
    values: *const Value,
    count: usize,
    decision: *mut *const Decision,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        decide(session, entry, decision, error, |session, entry, given| {
            let request = match array(request, 1, "the request")? {
                [request] => raw_request(request, given)?,
                _ => return Err(Failure::misuse("the request is null".into())),
            };
            let values = inputs(values, count, given)?;
            Ok(session.decide_request(entry, &request, values)?)
        })
    }
}

/// What every way of deciding shares.
///
/// # Safety
/// The contract of the header.
unsafe fn decide(
    session: *mut Session,
    entry: *const Entry,
    decision: *mut *const Decision,
    error: *mut *mut Error,
    how: impl FnOnce(
        &'static mut tollgate::Session<'static>,
        &tollgate::Form,
        &'static Arena,
    ) -> Result<tollgate::Decision<'static>, Failure>,
) -> Status {
    // SAFETY: the contract of the header, and what is said at each place.
    unsafe {
        guard(error, || {
            let decision = out(decision.cast::<*mut Decision>())?;
            let deciding = &raw mut (*tagged(session)?.cast_mut()).inner;
            let _free = in_use(session)?;
            let entry = borrow(entry)?;
            // The last decision goes before what it borrows from is used again.
            let decided = &raw mut (*deciding).decided;
            (*decided).inner = Decided::again(std::mem::take(&mut (*decided).inner));
            (*deciding).given.reset();
            // SAFETY: session and arena lie in the session's box. The decision borrows them and lies beside; it is dropped above, or with
            // the box and before them. Nobody else has a borrow: no two calls are here at once.
            let (session, given) = (&mut (*deciding).session, &(*deciding).given);
            (*decided).inner.decision = Some(how(session, entry, given)?);
            *decision = decided.cast();
            Ok(())
        })
    }
}

/// Says that a call is under way, or that there is one already.
///
/// # Safety
/// As [`borrow`]; the session lives for as long as what is returned.
pub(crate) unsafe fn in_use<'s>(session: *const Session) -> Result<Free<'s>, Failure> {
    // SAFETY: as promised. Only the flag is borrowed: the rest may be in use.
    let busy = unsafe { &(*tagged(session)?).inner.busy };
    if busy.swap(true, Ordering::Acquire) {
        return Err(Failure::misuse(
            "the session is used by another thread; make one for each".into(),
        ));
    }
    Ok(Free(busy))
}

/// Says that no call is under way any more, also after a panic.
pub(crate) struct Free<'b>(&'b AtomicBool);

impl Drop for Free<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// # Safety
/// `call` is null or valid.
unsafe fn call(call: *const CallInputs, given: &Arena) -> Result<Call<'_>, Failure> {
    if call.is_null() {
        return Ok(Call { id: "", time: 0 });
    }
    // SAFETY: as promised.
    let call = unsafe { array(call, 1, "the call") }?[0];
    // SAFETY: as promised. The id is copied: the decision may keep it.
    let id = given.str(unsafe { text(call.id, "the id") }?);
    let time = call.time;
    Ok(Call { id, time })
}

/// # Safety
/// What the request points to is valid.
unsafe fn raw_request<'a>(request: &Request, given: &'a Arena) -> Result<RawRequest<'a>, Failure> {
    // SAFETY: as promised.
    unsafe {
        let ip = text(request.peer_ip, "the peer's address")?;
        let ip: IpAddr = ip
            .parse()
            .map_err(|_| Failure::misuse("the peer's address is no address".into()))?;
        let mut headers = given.vec();
        for header in array(
            request.headers,
            request.header_count,
            "the array of headers",
        )? {
            headers.push((
                sent(header.name, "headers")?,
                sent(header.value, "headers")?,
            ));
        }
        Ok(RawRequest {
            // Copied: the decision may keep it.
            id: given.str(text(request.id, "the id")?),
            time: request.time,
            method: sent(request.method, "method")?,
            target: sent(request.target, "path")?,
            authority: match request.authority.bytes.is_null() {
                true => None,
                false => Some(sent(request.authority, "host")?),
            },
            headers: headers.into_bump_slice(),
            peer: SocketAddr::new(ip, request.peer_port),
            tls: request.tls != 0,
            trusted_proxies: request.trusted_proxies.into(),
        })
    }
}
