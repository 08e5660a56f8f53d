use std::{any::Any, fmt, sync::Arc};

/// Values of a context, found by their types. Cheap to clone.
#[derive(Clone, Default)]
pub struct Values(Option<Arc<Node>>);

struct Node {
    value: Arc<dyn Any + Send + Sync>,
    outer: Values,
}

impl Values {
    /// These values and one more, which stands before any other of its type.
    pub(crate) fn with<T: Any + Send + Sync>(&self, value: T) -> Self {
        Self(Some(Arc::new(Node {
            value: Arc::new(value),
            outer: self.clone(),
        })))
    }

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let mut next = self.0.as_ref();
        while let Some(node) = next {
            if let Ok(value) = Arc::clone(&node.value).downcast() {
                return Some(value);
            }
            next = node.outer.0.as_ref();
        }
        None
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
    }
}
