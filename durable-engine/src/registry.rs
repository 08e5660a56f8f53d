use std::{
    any::TypeId,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use durable_api::{
    Error, FunctionId, Registration, requests::StartWorkflow, store::ClaimableWorkflow,
};
use uuid::Uuid;

use crate::names;

/// The workflows that this program can run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    by_name: BTreeMap<String, Arc<Registration>>,
    names_by_type: HashMap<TypeId, Vec<String>>,
}

impl Registry {
    pub(crate) fn add(&mut self, registration: Registration) -> Result<(), Error> {
        names::check("workflow name", &registration.name)?;
        let name = registration.name.clone();
        if self.by_name.contains_key(&name) {
            return Err(Error::AlreadyRegistered { name });
        }
        if let Some(type_id) = registration.function.unique_type() {
            let names = self.names_by_type.entry(type_id).or_default();
            names.push(name.clone());
        }
        self.by_name.insert(name, Arc::new(registration));
        Ok(())
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    /// The workflow stored under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Registration>> {
        self.by_name.get(name)
    }

    /// The workflow that a request means, by function or by name.
    pub(crate) fn resolve(&self, request: &StartWorkflow) -> Result<&Arc<Registration>, Error> {
        let name = match request.function {
            Some(function) => self.name_of(function)?,
            None => &request.name,
        };
        self.get(name).ok_or_else(|| Error::NotRegistered {
            name: request.name.clone(),
        })
    }

    fn name_of(&self, function: FunctionId) -> Result<&str, Error> {
        let type_id = function.unique_type().ok_or(Error::Unnamed {
            type_name: function.path(),
            hint: "say which workflow is meant by `.name(\"…\")`",
        })?;
        match self.names_by_type.get(&type_id).map(Vec::as_slice) {
            None | Some([]) => Err(Error::NotRegistered {
                name: function.path().to_owned(),
            }),
            Some([name]) => Ok(name),
            Some(names) => Err(Error::AmbiguousName {
                function: function.path().to_owned(),
                names: names.join(", "),
            }),
        }
    }

    /// What this executor may take up.
    pub(crate) fn claimable(&self) -> Vec<ClaimableWorkflow> {
        self.by_name
            .values()
            .map(|one| ClaimableWorkflow::new(&one.name, one.max_recovery_attempts))
            .collect()
    }

    /// A text that changes when a workflow is added, removed, renamed, or takes or returns another type.
    pub(crate) fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (name, registration) in &self.by_name {
            let (input, output) = registration.signature;
            for part in [name, input, output] {
                text.push_str(part);
                text.push('\0');
            }
        }
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes())
            .simple()
            .to_string()
    }
}
