// A limit that several processes share, in a Redis: four threads ask it at once, and the process says how many were admitted.
//
//   shared ADDRESS
//
// Run it twice at the same time, and both together admit as many as the rules say.
#include <atomic>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

#include "tollgate.h"

namespace {

constexpr int threads = 4, each = 100;
constexpr std::string_view rules = R"(
  state calls: TokenBucket by String {
    rate: 1 per 1h, burst: 150, max_keys: 100, store: redis.limits, on_failure: local(5 per 1h)
  }
  ruleset admit(who: String) -> Bool hit first {
    rule calm when calls[who].take().granted then true
    otherwise false
  }
)";

template <auto free>
struct Free {
  template <class T>
  void operator()(T *handle) const {
    free(handle);
  }
};

using Program = std::unique_ptr<tollgate_program, Free<tollgate_program_release>>;
using Entry = std::unique_ptr<tollgate_entry, Free<tollgate_entry_free>>;
using Session = std::unique_ptr<tollgate_session, Free<tollgate_session_free>>;

tollgate_text text(std::string_view view) { return {view.data(), view.size()}; }

// Calls a function whose last two arguments are where the result and the error go; throws the error.
template <class Owner, class Function, class... Arguments>
Owner made(Function function, Arguments... arguments) {
  typename Owner::pointer result = nullptr;
  tollgate_error *error = nullptr;
  if (function(arguments..., &result, &error) == TOLLGATE_STATUS_OK) return Owner(result);
  std::string message = tollgate_error_message(error);
  tollgate_error_free(error);
  throw std::runtime_error(message);
}

struct Counts {
  std::atomic<int> admitted{0}, failed{0};
};

void ask(const tollgate_program *program, int thread, Counts &counts) {
  const char *paths[] = {""};
  auto admit = made<Entry>(tollgate_entry_new, program, "admit", paths, size_t{1});
  auto session = made<Session>(tollgate_session_new, program);
  for (int n = 0; n < each; n++) {
    // A decision's own, in every process: an id that comes again is taken for the same decision.
    const std::string id = std::to_string(getpid()) + "-" + std::to_string(thread) + "-" + std::to_string(n);
    const tollgate_call call{text(id), 0};
    const tollgate_value who = tollgate_value_of_string("ann");
    const tollgate_decision *decision = nullptr;
    if (tollgate_decide(session.get(), admit.get(), &who, 1, &call, &decision, nullptr)) {
      throw std::runtime_error("not decided");
    }
    int32_t granted = 0;
    tollgate_text state, reason;
    if (tollgate_decision_bool(decision, "", &granted) && granted) counts.admitted++;
    if (tollgate_decision_failure(decision, 0, &state, &reason)) counts.failed++;
  }
}

}  // namespace

int main(int argc, char **argv) try {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " ADDRESS\n";
    return 2;
  }
  auto compiled = made<Program>(tollgate_program_compile, "shared.rules", text(rules), nullptr);
  auto program = made<Program>(tollgate_program_with_store, compiled.get(), "redis.limits", argv[1]);
  Counts counts;
  std::vector<std::thread> asking;
  for (int thread = 0; thread < threads; thread++) {
    asking.emplace_back(ask, program.get(), thread, std::ref(counts));
  }
  for (auto &thread : asking) thread.join();
  std::cout << counts.admitted << " of " << threads * each << " admitted, " << counts.failed << " answered by on_failure\n";
  return 0;
} catch (const std::exception &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
