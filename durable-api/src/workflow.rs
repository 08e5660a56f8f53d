use std::{
    any::{TypeId, type_name},
    fmt,
    future::Future,
    marker::PhantomData,
    sync::Arc,
};

use futures::future::BoxFuture;

use crate::{CodecError, Ctx, Durable, Encoding, Error, Payload, Result, Value, Values};

/// An async function usable as a workflow. Implemented for every
/// `async fn(Ctx, I) -> Result<O>`; never implement it yourself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a workflow taking `{I}`",
    label = "expected `async fn(Ctx, {I}) -> durable::Result<_>`",
    note = "a workflow is an `async fn` whose arguments are an owned `Ctx` and one owned, serializable input",
    note = "pass the function itself, do not call it: `run_workflow(&ctx, checkout, order)`"
)]
pub trait Workflow<I>: Send + Sync + 'static {
    /// What the workflow returns.
    type Output;

    /// Runs the workflow.
    fn run(
        &self,
        ctx: Ctx,
        input: I,
    ) -> impl Future<Output = Result<Self::Output>> + Send + 'static;

    /// The name of the instance whose method it is; `None` for a function.
    fn instance(&self) -> Option<&str> {
        None
    }

    /// The path of its function.
    fn path() -> &'static str {
        type_name::<Self>()
    }
}

impl<F, Fut, I, O> Workflow<I> for F
where
    F: Fn(Ctx, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O>> + Send + 'static,
{
    type Output = O;

    fn run(&self, ctx: Ctx, input: I) -> impl Future<Output = Result<O>> + Send + 'static {
        self(ctx, input)
    }
}

/// A value that can be passed where a workflow takes an `I`: an `I` itself, or a `&str` for a `String`.
#[diagnostic::on_unimplemented(
    message = "this workflow takes a `{I}`, not a `{Self}`",
    label = "expected `{I}`"
)]
pub trait IntoInput<I> {
    /// Converts.
    fn into_input(self) -> I;
}

impl<I> IntoInput<I> for I {
    fn into_input(self) -> I {
        self
    }
}

// Hides a hint that would be given for every input of a wrong type, whatever the workflow takes.
#[diagnostic::do_not_recommend]
impl IntoInput<String> for &str {
    fn into_input(self) -> String {
        self.to_owned()
    }
}

/// A workflow whose types are erased: what a registry holds.
pub trait ErasedWorkflow: Send + Sync {
    /// Decodes the input and makes the future that is the workflow's run; nothing runs yet.
    ///
    /// # Errors
    /// When the payload is no input of this workflow.
    fn prepare(
        &self,
        ctx: Ctx,
        input: &Payload,
    ) -> Result<BoxFuture<'static, Result<Value>>, CodecError>;
}

struct Erased<W, I> {
    workflow: Arc<W>,
    input: PhantomData<fn(I)>,
}

impl<W, I> ErasedWorkflow for Erased<W, I>
where
    W: Workflow<I, Output: Durable>,
    I: Durable,
{
    fn prepare(
        &self,
        ctx: Ctx,
        input: &Payload,
    ) -> Result<BoxFuture<'static, Result<Value>>, CodecError> {
        let input: I = input.decode()?;
        let workflow = Arc::clone(&self.workflow);
        Ok(Box::pin(async move {
            Ok(Value::new(workflow.run(ctx, input).await?))
        }))
    }
}

/// The name under which the method of an instance is stored.
pub(crate) fn instance_name(method: &str, instance: &str) -> String {
    format!("{method}@{instance}")
}

/// Which function a program means when it names a workflow by the function itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionId {
    path: &'static str,
    type_id: TypeId,
}

impl FunctionId {
    /// The function `W`.
    pub fn of<W: Workflow<I>, I>() -> Self {
        Self {
            path: W::path(),
            type_id: TypeId::of::<W>(),
        }
    }

    /// Its path, such as `shop::checkout`.
    pub fn path(self) -> &'static str {
        self.path
    }

    /// Its type, unless that is one that many functions share, as a function pointer's is.
    pub fn unique_type(self) -> Option<TypeId> {
        let pointer = ["fn(", "unsafe fn(", "for<"]
            .iter()
            .any(|start| self.path.starts_with(start))
            || self.path.contains("extern \"");
        (!pointer).then_some(self.type_id)
    }

    /// Its path, if a later build will find the same function under it.
    pub fn stable_path(self) -> Option<&'static str> {
        let closure = self.path.contains("{{closure}}") || self.path.starts_with('&');
        (self.unique_type().is_some() && !closure).then_some(self.path)
    }
}

/// How to register a workflow.
#[derive(Clone, Debug, Default)]
pub struct RegisterOptions {
    pub(crate) name: Option<String>,
    pub(crate) max_recovery_attempts: Option<u32>,
    pub(crate) encoding: Option<Encoding>,
}

impl RegisterOptions {
    /// The defaults: named by the function's path, recovered up to 100 times, in the context's encoding.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the workflow, so that its function can be renamed or moved while workflows of it are stored.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How often an execution that died is recovered before the workflow becomes a dead letter.
    #[must_use]
    pub fn max_recovery_attempts(mut self, attempts: u32) -> Self {
        self.max_recovery_attempts = Some(attempts);
        self
    }

    /// How this workflow's inputs, outputs and steps are encoded from now on.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }
}

/// A workflow and the name under which executions of it are stored.
#[derive(Clone)]
#[non_exhaustive]
pub struct Registration {
    /// The stored name.
    pub name: String,
    /// The function.
    pub function: FunctionId,
    /// Its code.
    pub workflow: Arc<dyn ErasedWorkflow>,
    /// The names of its input and output types.
    pub signature: (&'static str, &'static str),
    /// The values that its executions see.
    pub values: Values,
    /// How often it is recovered.
    pub max_recovery_attempts: u32,
    /// Its encoding, if it is not the context's.
    pub encoding: Option<Encoding>,
}

impl Registration {
    /// How often a workflow is recovered unless its registration says otherwise.
    pub const DEFAULT_MAX_RECOVERY_ATTEMPTS: u32 = 100;

    /// The registration of `workflow`.
    ///
    /// # Errors
    /// [`Error::Unnamed`] for a closure or function pointer without a name.
    pub fn new<W, I>(workflow: W, options: RegisterOptions, values: Values) -> Result<Self, Error>
    where
        W: Workflow<I, Output: Durable>,
        I: Durable,
    {
        let function = FunctionId::of::<W, I>();
        let name = match options.name {
            Some(name) => name,
            None => function
                .stable_path()
                .ok_or(Error::Unnamed {
                    type_name: function.path(),
                    hint: "register it by `register_workflow_with(…, RegisterOptions::new().named(\"…\"))`",
                })?
                .to_owned(),
        };
        let name = match workflow.instance() {
            Some(instance) => instance_name(&name, instance),
            None => name,
        };
        Ok(Self {
            name,
            function,
            workflow: Arc::new(Erased {
                workflow: Arc::new(workflow),
                input: PhantomData,
            }),
            signature: (type_name::<I>(), type_name::<W::Output>()),
            values,
            max_recovery_attempts: options
                .max_recovery_attempts
                .unwrap_or(Self::DEFAULT_MAX_RECOVERY_ATTEMPTS),
            encoding: options.encoding,
        })
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name)
            .field("signature", &self.signature)
            .field("max_recovery_attempts", &self.max_recovery_attempts)
            .finish_non_exhaustive()
    }
}
