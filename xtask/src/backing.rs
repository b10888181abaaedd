//! Which servers a test run uses: what the machine offers, and what is chosen from it.

use std::fmt;

use anyhow::bail;

/// The environment's names for servers that are already there.
pub(crate) const URLS: [&str; 2] = ["ASSENT_TEST_POSTGRES_URL", "ASSENT_TEST_REDIS_URL"];

/// Where the servers of a run come from, in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Backing {
    /// Containers, started by testcontainers.
    Containers,
    /// Processes of this machine.
    Native,
    /// Servers that are already there, named by the environment.
    Urls,
}

impl Backing {
    const ALL: [Self; 3] = [Self::Containers, Self::Native, Self::Urls];
}

impl fmt::Display for Backing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Containers => "containers",
            Self::Native => "native",
            Self::Urls => "urls",
        })
    }
}

/// What a machine offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one answer per question to the machine")]
pub(crate) struct Offers {
    /// A container engine answers.
    pub(crate) engine: bool,
    /// The images are there, or can be pulled or built.
    pub(crate) images: bool,
    /// The programs of Postgres and Redis are installed.
    pub(crate) programs: bool,
    /// Debian's packages can be installed.
    pub(crate) installer: bool,
    /// The environment names both servers.
    pub(crate) urls: bool,
}

/// The backing asked for, or else the first that the machine offers; and why.
pub(crate) fn choose(
    asked: Option<Backing>,
    offers: Offers,
) -> anyhow::Result<(Backing, &'static str)> {
    let wanted = asked.as_ref().map_or(&Backing::ALL[..], std::slice::from_ref);
    let mut lacking = Vec::new();
    for backing in wanted {
        match offers.has(*backing) {
            Ok(because) => return Ok((*backing, because)),
            Err(because) => lacking.push(because),
        }
    }
    bail!("there is no server to test against: {}", lacking.join("; "))
}

impl Offers {
    /// Why this backing can be had, or why not.
    fn has(self, backing: Backing) -> Result<&'static str, &'static str> {
        match backing {
            Backing::Containers if !self.engine => Err("no container engine answers"),
            Backing::Containers if !self.images => {
                Err("a container engine answers, but the images are missing, no registry answers, \
                     and only root on Debian can build them")
            }
            Backing::Containers => Ok("a container engine answers and has the images"),
            Backing::Native if self.programs => Ok("Postgres and Redis are installed"),
            Backing::Native if self.installer => Ok("Postgres and Redis can be installed"),
            Backing::Native => Err(
                "Postgres and Redis are not installed, and only root on Debian can install them",
            ),
            Backing::Urls if self.urls => Ok("the environment names both servers"),
            Backing::Urls => Err("ASSENT_TEST_POSTGRES_URL and ASSENT_TEST_REDIS_URL are not set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backing, Offers, choose};

    const NOTHING: Offers =
        Offers { engine: false, images: false, programs: false, installer: false, urls: false };
    const ENGINE: Offers = Offers { engine: true, images: true, ..NOTHING };

    #[test]
    fn the_first_backing_that_the_machine_offers_is_chosen() {
        let bare_engine = Offers { engine: true, ..NOTHING };
        let everything = Offers { programs: true, installer: true, urls: true, ..ENGINE };
        for (offers, expected) in [
            (everything, Backing::Containers),
            (ENGINE, Backing::Containers),
            (Offers { programs: true, ..bare_engine }, Backing::Native),
            (Offers { installer: true, ..bare_engine }, Backing::Native),
            (Offers { programs: true, urls: true, ..NOTHING }, Backing::Native),
            (Offers { installer: true, ..NOTHING }, Backing::Native),
            (Offers { urls: true, ..NOTHING }, Backing::Urls),
            (Offers { urls: true, ..bare_engine }, Backing::Urls),
        ] {
            assert_eq!(choose(None, offers).unwrap().0, expected, "{offers:?}");
        }
    }

    #[test]
    fn a_wish_is_kept_or_refused_but_never_replaced() {
        let everything = Offers { programs: true, installer: true, urls: true, ..ENGINE };
        for backing in Backing::ALL {
            assert_eq!(choose(Some(backing), everything).unwrap().0, backing);
        }
        for (asked, offers) in [
            (Backing::Containers, Offers { engine: false, ..everything }),
            (Backing::Containers, Offers { images: false, ..everything }),
            (Backing::Native, Offers { urls: true, ..ENGINE }),
            (Backing::Urls, Offers { urls: false, ..everything }),
        ] {
            assert!(choose(Some(asked), offers).is_err(), "{asked} {offers:?}");
        }
    }

    #[test]
    fn a_machine_without_anything_is_told_in_one_sentence() {
        let told = choose(None, NOTHING).unwrap_err().to_string();
        assert_eq!(
            told,
            "there is no server to test against: no container engine answers; Postgres and Redis \
             are not installed, and only root on Debian can install them; \
             ASSENT_TEST_POSTGRES_URL and ASSENT_TEST_REDIS_URL are not set"
        );
        let told = choose(Some(Backing::Containers), Offers { engine: true, ..NOTHING });
        assert!(told.unwrap_err().to_string().contains("only root on Debian can build them"));
    }
}
