use std::{future::IntoFuture, path::PathBuf, time::Duration};

use futures::future::BoxFuture;

use crate::{
    Ctx, Error, ReplayReport, requests,
    store::{WorkflowArchive, WorkflowFilter},
};

/// Replays recorded histories against the code of this build, and reports which workflows could not go on, at which step, and why. Await the
/// returned builder, or set options first: by default, all workflows of this application that have not ended are replayed, whatever their version.
///
/// What runs is the code of the workflows and the replay of a real recovery, on a context that has them registered and need not be launched. **No step
/// body runs and nothing is written**: a replay ends at the first call of which nothing is recorded. Of the store, only the workflows and their steps are read.
///
/// # Errors
/// [`Error::Store`]; [`Error::InvalidConfig`] for a file that cannot be read or holds no exported workflow; [`Error::Unsupported`] on a client, which has no code, and
/// inside a workflow. What is wrong with a single workflow is in the report.
///
/// ```no_run
/// # use durable_api::{Ctx, Result, register_workflow, verify_replay};
/// # async fn checkout(_ctx: Ctx, _order: String) -> Result<()> { Ok(()) }
/// # async fn example(ctx: Ctx) -> Result<()> {
/// register_workflow(&ctx, checkout)?;
/// let report = verify_replay(&ctx).await?;
/// println!("{report}");
/// if !report.is_compatible() {
///     std::process::exit(1);
/// }
/// # Ok(())
/// # }
/// ```
pub fn verify_replay(ctx: &Ctx) -> VerifyReplay<'_> {
    VerifyReplay {
        ctx,
        request: requests::VerifyReplay::new(),
    }
}

/// A verification about to be made.
#[derive(Debug)]
#[must_use = "histories are replayed when this is awaited"]
pub struct VerifyReplay<'c> {
    ctx: &'c Ctx,
    request: requests::VerifyReplay,
}

impl VerifyReplay<'_> {
    /// Only workflows that meet this filter, in place of what was chosen before. Its limit is how many are read at a time. Without ids and statuses, it is those that have not ended.
    pub fn filter(mut self, filter: WorkflowFilter) -> Self {
        self.request.filter = filter;
        self
    }

    /// Only workflows of this application version, or of several.
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.request.filter.versions.push(version.into());
        self
    }

    /// Only this workflow, or several, whether they have ended or not.
    pub fn workflow(mut self, id: impl Into<String>) -> Self {
        self.request.filter.ids.push(id.into());
        self
    }

    /// Workflows out of a file, instead of the store's: what [`export_workflow`](crate::export_workflow) returned, as JSON; one, an array, or several one after the other.
    pub fn from_export(mut self, file: impl Into<PathBuf>) -> Self {
        self.request.exports.push(file.into());
        self
    }

    /// Exported workflows, instead of the store's.
    pub fn from_archives(mut self, archives: impl IntoIterator<Item = WorkflowArchive>) -> Self {
        self.request.archives.extend(archives);
        self
    }

    /// Also checks that workflows that have ended come to the outcome that is recorded. An output that does not encode alike twice (a `HashMap` in bincode, say) cannot be
    /// compared.
    pub fn check_outcomes(mut self) -> Self {
        self.request.outcomes = true;
        self
    }

    /// How long code may stand still before a recorded call, because it waits for something that is not durable: a timeout around a durable call
    /// passes again in a replay. Default: 5 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.request.patience = patience;
        self
    }

    /// How many workflows to replay at a time. Default: 32.
    pub fn concurrency(mut self, workflows: usize) -> Self {
        self.request.concurrency = workflows;
        self
    }
}

impl<'c> IntoFuture for VerifyReplay<'c> {
    type Output = Result<ReplayReport, Error>;
    type IntoFuture = BoxFuture<'c, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.ctx.as_dyn().verify_replay(self.request)
    }
}
