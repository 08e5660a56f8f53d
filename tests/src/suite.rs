//! Lists of cases that become tests, one named test a case and backend.

/// Makes the macro `$suite` out of a list of cases, functions of the modules beside the list. `$suite!(backend)` makes one test for
/// every case, on the bench that the backend is run on.
macro_rules! suite {
    (
        $d:tt $suite:ident $backend:ty, $bench:ty;
        $( $group:ident { $( $case:ident ),* $(,)? } )*
    ) => {
        /// Makes one test for every case, grouped in modules, on a backend.
        #[macro_export]
        macro_rules! $suite {
            ($d backend:expr) => {
                $(
                    mod $group {
                        #[allow(unused_imports)]
                        use super::*;
                        $(
                            #[test]
                            fn $case() {
                                $d crate::tokio::runtime::Builder::new_multi_thread()
                                    .worker_threads(2)
                                    .enable_all()
                                    .build()
                                    .expect("a runtime")
                                    .block_on($d crate::$suite::entry::$group::$case(&$d backend));
                            }
                        )*
                    }
                )*
            };
        }

        /// What the generated tests call.
        #[doc(hidden)]
        #[allow(missing_docs)]
        pub mod entry {
            $(
                pub mod $group {
                    $(
                        pub async fn $case(backend: &$backend) {
                            <$bench>::run(backend, async |bench| {
                                $crate::$suite::$group::$case(bench).await;
                            }).await;
                        }
                    )*
                }
            )*
        }
    };
}
