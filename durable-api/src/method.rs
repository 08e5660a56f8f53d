use std::{any::type_name, future::Future, sync::Arc};

use crate::{Ctx, Result, Workflow};

/// A value that has workflows as its methods. Several instances of one type may be registered side by side; recovery finds the right one by its name.
pub trait Instance: Send + Sync + 'static {
    /// The instance's name, the same in every process that has the instance.
    fn instance_name(&self) -> &str;
}

/// The method `method` of `instance`, as a workflow: to register it, and to run it.
///
/// ```no_run
/// use std::sync::Arc;
/// use durable_api::{Ctx, Instance, Result, method, register_workflow, run_workflow};
///
/// struct Shop {
///     country: String,
/// }
///
/// impl Instance for Shop {
///     fn instance_name(&self) -> &str {
///         &self.country
///     }
/// }
///
/// impl Shop {
///     async fn checkout(self: Arc<Self>, _ctx: Ctx, item: String) -> Result<String> {
///         Ok(format!("{item} from {}", self.country))
///     }
/// }
///
/// # async fn example(ctx: Ctx) -> Result<()> {
/// let (fr, de) = (Shop { country: "fr".into() }, Shop { country: "de".into() });
/// let (fr, de) = (Arc::new(fr), Arc::new(de));
/// register_workflow(&ctx, method(&fr, Shop::checkout))?;
/// register_workflow(&ctx, method(&de, Shop::checkout))?;
/// let handle = run_workflow(&ctx, method(&de, Shop::checkout), "tea").await?;
/// # Ok(())
/// # }
/// ```
pub fn method<S: Instance, F>(instance: &Arc<S>, method: F) -> Method<S, F> {
    Method {
        instance: Arc::clone(instance),
        method,
    }
}

/// A method of an instance, as a workflow; made by [`method`].
#[derive(Debug)]
pub struct Method<S, F> {
    instance: Arc<S>,
    method: F,
}

impl<S, F: Clone> Clone for Method<S, F> {
    fn clone(&self) -> Self {
        Self {
            instance: Arc::clone(&self.instance),
            method: self.method.clone(),
        }
    }
}

// Who errs with a function is not helped by hearing of methods.
#[diagnostic::do_not_recommend]
impl<S, F, Fut, I, O> Workflow<I> for Method<S, F>
where
    S: Instance,
    F: Fn(Arc<S>, Ctx, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O>> + Send + 'static,
{
    type Output = O;

    fn run(&self, ctx: Ctx, input: I) -> impl Future<Output = Result<O>> + Send + 'static {
        (self.method)(Arc::clone(&self.instance), ctx, input)
    }

    fn instance(&self) -> Option<&str> {
        Some(self.instance.instance_name())
    }

    fn path() -> &'static str {
        type_name::<F>()
    }
}
