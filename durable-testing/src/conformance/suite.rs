/// The one list of cases. The tests, the table of names and the entry points are generated from
/// it; the cases are `pub(crate)`, so that one that is written but not listed is dead code, and the compiler says so.
macro_rules! suite {
    ($d:tt $( $group:ident { $( $case:ident ),* $(,)? } )*) => {
        /// Makes one test for every case, grouped in modules, on a [`Backend`](crate::Backend).
        #[macro_export]
        macro_rules! store_conformance {
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
                                    .block_on($d crate::conformance::entry::$group::$case(&$d backend));
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
                        pub async fn $case(backend: &impl $crate::Backend) {
                            $crate::Bench::run(backend, async |bench| {
                                $crate::conformance::cases::$group::$case(bench).await;
                            }).await;
                        }
                    )*
                }
            )*
        }

        /// The names of all cases, `group::case`.
        pub const CASES: &[&str] = &[ $( $( concat!(stringify!($group), "::", stringify!($case)) ),* ),* ];
    };
}

suite! { $
    lifecycle {
        migrating_twice_is_harmless,
    }
}
