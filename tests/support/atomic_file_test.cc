#include "support/atomic_file.h"

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/codes.h"
#include "support/fatal.h"
#include "support/interruption.h"
#include "support/mapped_file.h"
#include "support/temporary_folder.h"
#include "support/temporary_names.h"

using namespace qprep;
using test::bytes_of;
using test::TemporaryFolder;
using Names = std::vector<std::string>;

namespace {

/// Runs the call in a child process, so that signals and limits end only that. Result: waitpid's status.
int in_child(const std::function<void()>& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    call();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("an atomic file is not there before commit, and whole after it") {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a", false);
  file.write("one ");
  file.write("two");
  CHECK_FALSE(std::filesystem::exists(folder / "a"));
  CHECK(file.size() == 7);
  file.commit();
  CHECK(bytes_of(folder / "a") == "one two");
  CHECK(folder.names() == Names{"a"});
}

TEST_CASE("an atomic file that is not committed leaves the old one and no trace") {
  const TemporaryFolder folder;
  test::write_text(folder / "a", "old");
  {
    AtomicFile file(folder / "a", false);
    file.write(std::string(1'000'000, 'x'));
    CHECK(bytes_of(folder / "a") == "old");
  }
  CHECK(bytes_of(folder / "a") == "old");
  CHECK(folder.names() == Names{"a"});
}

TEST_CASE("an atomic file takes pieces of every size, zeros, and pieces of other files, in order") {
  const TemporaryFolder folder;
  std::string source(3'000'000, '\0');
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<char>(i * 2654435761U >> 13);
  test::write_text(folder / "source", source);
  const auto mapped = MappedFile::open(folder / "source");

  std::string expected;
  AtomicFile file(folder / "a", true);
  for (const std::size_t size : {0U, 1U, 1000U, 300'000U, 262'143U, 2U, 262'144U, 262'145U, 2'000'000U}) {
    const std::size_t offset = size / 3;
    file.write(std::string_view(source).substr(0, size));
    file.write_zeros(size % 10'007);
    file.write_from(mapped->descriptor(), offset, mapped->bytes().subspan(offset, size));
    expected += source.substr(0, size) + std::string(size % 10'007, '\0') + source.substr(offset, size);
    CHECK(file.size() == expected.size());
  }
  file.commit();
  CHECK(bytes_of(folder / "a") == expected);
}

TEST_CASE("pieces come from the mapping where the descriptor cannot give them") {
  const TemporaryFolder folder;
  const std::string source(1'000'000, 'q');
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  write_file_atomically(folder / "b", "");
  AtomicFile file(folder / "a", false);
  file.write_from(ends[0], 0, std::as_bytes(std::span(source)));
  file.commit();
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(bytes_of(folder / "a") == source);
}

TEST_CASE("a source that became shorter is an error, not a shorter copy") {
  const TemporaryFolder folder;
  test::write_text(folder / "source", std::string(1'000'000, 'q'));
  const auto mapped = MappedFile::open(folder / "source");
  std::filesystem::resize_file(folder / "source", 500'000);
  AtomicFile file(folder / "a", false);
  const std::string text = test::fatal_text(
      codes::kFileAccess, [&] { file.write_from(mapped->descriptor(), 0, mapped->bytes()); });
  CHECK_THAT(text, Catch::Contains("became shorter"));
}

TEST_CASE("a replaced file keeps its permissions") {
  const TemporaryFolder folder;
  test::write_text(folder / "a", "old");
  REQUIRE(::chmod((folder / "a").c_str(), 0640) == 0);
  write_file_atomically(folder / "a", "new");
  struct stat status = {};
  REQUIRE(::stat((folder / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("a link is replaced, not what it points to") {
  const TemporaryFolder folder;
  test::write_text(folder / "a", "old");
  std::filesystem::create_symlink("a", folder / "link");
  write_file_atomically(folder / "link", "new");
  CHECK(bytes_of(folder / "a") == "old");
  CHECK(bytes_of(folder / "link") == "new");
  CHECK_FALSE(std::filesystem::is_symlink(folder / "link"));
}

TEST_CASE("the longest of names can be written") {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file_atomically(folder / name, "x");
  CHECK(folder.names() == Names{name});
}

TEST_CASE("what cannot be written says so and leaves nothing") {
  const TemporaryFolder folder;
  const auto refusal = [](const std::filesystem::path& path) {
    return test::fatal_text(codes::kFileAccess, [&] { write_file_atomically(path, "x"); });
  };
  using Catch::Contains;
  CHECK_THAT(refusal(folder / "none/a"), Contains("none/a") && Contains("No such file"));
  CHECK_THAT(refusal(folder.path()), Contains("a directory"));
  CHECK_THAT(refusal("/dev/null"), Contains("no regular file"));
  CHECK_THAT(refusal(folder / std::string(256, 'n')), Contains("too long"));
  CHECK_THAT(refusal(folder.path().string() + "/" + std::string(5000, 'n')), Contains("too long"));
  CHECK(folder.names().empty());
}

TEST_CASE("many files can be open at once, and one too many is refused") {
  const TemporaryFolder folder;
  std::vector<std::unique_ptr<AtomicFile>> files;
  const std::string text = test::fatal_text(codes::kFileAccess, [&] {
    for (int i = 0; i < 1000; ++i) {
      files.push_back(std::make_unique<AtomicFile>(folder / std::to_string(i), false));
    }
  });
  CHECK_THAT(text, Catch::Contains("too many files"));
  CHECK(files.size() >= 60);
  files.clear();
  CHECK(folder.names().empty());
}

TEST_CASE("a signal removes temporary files and ends the process as it would have") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) {
    const TemporaryFolder folder;
    test::write_text(folder / "a", "old");
    const int status = in_child([&] {
      struct rlimit none = {0, 0};
      ::setrlimit(RLIMIT_CORE, &none);
      for (const int reset : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(reset, SIG_DFL);
      remove_temporaries_on_signals();
      AtomicFile first(folder / "a", false);
      AtomicFile second(folder / "b", false);
      first.write(std::string(1'000'000, 'x'));
      ::raise(signal);
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signal);
    CHECK(folder.names() == Names{"a"});
    CHECK(bytes_of(folder / "a") == "old");
  }
}

TEST_CASE("a signal that ends the process is told, with what is kept") {
  const auto said = [](int signal, std::size_t kept, std::size_t parts) {
    const TemporaryFolder folder;
    const int status = in_child([&] {
      const int error = ::open((folder / "stderr").c_str(), O_WRONLY | O_CREAT, 0600);
      ::dup2(error, STDERR_FILENO);
      struct rlimit none = {0, 0};
      ::setrlimit(RLIMIT_CORE, &none);
      ::signal(signal, SIG_DFL);
      remove_temporaries_on_signals();
      if (parts > 0) tell_kept_parts(kept, parts);
      ::raise(signal);
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signal);
    return bytes_of(folder / "stderr");
  };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
    CHECK(said(signal, 0, 0) == "qprep: interrupted\n");
  CHECK(said(SIGPIPE, 0, 0).empty());
  CHECK(said(SIGINT, 0, 8) == "qprep: interrupted; no part is kept yet\n");
  CHECK(said(SIGINT, 1, 8) ==
        "qprep: interrupted; 1 of 8 parts is kept, and the same call goes on from it\n");
  CHECK(said(SIGTERM, 10, 12) ==
        "qprep: interrupted; 10 of 12 parts are kept, and the same call goes on from them\n");
}

TEST_CASE("a signal ends the process where nobody takes what is said of it") {
  for (const bool closed : {true, false}) {
    std::array<int, 2> ends = {};
    REQUIRE(::pipe(ends.data()) == 0);
    if (closed) ::close(ends[0]);
    const int status = in_child([&] {
      ::dup2(ends[1], STDERR_FILENO);
      if (!closed) {
        ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
        while (::write(ends[1], "x", 1) == 1) {
        }
        ::fcntl(ends[1], F_SETFL, 0);
      }
      for (const int signal : {SIGINT, SIGPIPE}) ::signal(signal, SIG_DFL);
      ::alarm(20);
      remove_temporaries_on_signals();
      ::raise(SIGINT);
    });
    if (!closed) ::close(ends[0]);
    ::close(ends[1]);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
  }
}

TEST_CASE("a signal removes folders that are remembered, if nothing else is in them") {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    ::signal(SIGTERM, SIG_DFL);
    remove_temporaries_on_signals();
    for (const char* each : {"a", "a/b", "a/b/c", "kept", "forgotten"}) {
      const std::size_t number = remember_folder((folder / each).string());
      std::filesystem::create_directory(folder / each);
      if (std::string(each) == "forgotten") forget_folder(number);
    }
    test::write_text(folder / "kept/file", "x");
    const AtomicFile unfinished(folder / "a/b/file", false);
    ::raise(SIGTERM);
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK(folder.names() == Names{"forgotten", "kept"});
}

TEST_CASE("an ignored signal stays ignored") {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    ::signal(SIGHUP, SIG_IGN);
    remove_temporaries_on_signals();
    AtomicFile file(folder / "a", false);
    file.write("x");
    ::raise(SIGHUP);
    file.commit();
  });
  CHECK(WIFEXITED(status));
  CHECK(folder.names() == Names{"a"});
}

TEST_CASE("a limit on file sizes is an error like a full disk") {
  const TemporaryFolder folder;
  test::write_text(folder / "a", "old");
  const int status = in_child([&] {
    remove_temporaries_on_signals();
    const struct rlimit limit = {100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_atomically(folder / "a", std::string(1'000'000, 'x'));
    } catch (const Fatal& failure) {
      ::_exit(failure.diagnostics().front().code == codes::kFileAccess ? 7 : 8);
    }
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(folder.names() == Names{"a"});
  CHECK(bytes_of(folder / "a") == "old");
}

TEST_CASE("a mapped file that becomes shorter while it is read ends the program with a sentence") {
  const TemporaryFolder folder;
  test::write_text(folder / "source", std::string(1'000'000, 'q'));
  const int status = in_child([&] {
    const int quiet = ::open((folder / "stderr").c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(quiet, STDERR_FILENO);
    ::signal(SIGBUS, SIG_DFL);
    remove_temporaries_on_signals();
    const auto mapped = MappedFile::open(folder / "source");
    AtomicFile file(folder / "a", false);
    std::filesystem::resize_file(folder / "source", 0);
    int sum = 0;
    for (const std::byte byte : mapped->bytes()) sum += std::to_integer<int>(byte);
    ::_exit(sum == 0 ? 9 : 10);
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
  CHECK(folder.names() == Names{"source", "stderr"});
  CHECK_THAT(bytes_of(folder / "stderr"), Catch::Contains("became shorter"));
}
