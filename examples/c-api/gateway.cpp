// The gateway in C++: handles that free themselves, errors as exceptions.
//
//   gateway RULES
#include <array>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tollgate.h"

namespace {

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
std::string_view view(tollgate_text text) { return {text.bytes, text.size}; }

// Calls a function whose last argument is where the error goes, and throws that.
template <class Function, class... Arguments>
void call(Function function, Arguments... arguments) {
  tollgate_error *error = nullptr;
  if (function(arguments..., &error) == TOLLGATE_STATUS_OK) return;
  std::string message = tollgate_error_message(error);
  tollgate_error_free(error);
  throw std::runtime_error(message);
}

class Gateway {
public:
  explicit Gateway(const char *rules) {
    tollgate_program *program = nullptr;
    call(tollgate_program_open, rules, nullptr, &program);
    Program owner(program);
    tollgate_entry *route = nullptr;
    const char *paths[] = {"api_key"};
    call(tollgate_entry_of_requests, program, "route", paths, size_t{1}, &route);
    route_.reset(route);
    tollgate_session *session = nullptr;
    call(tollgate_session_new, program, &session);
    session_.reset(session);
  }

  std::string route(std::string_view method, std::string_view target, std::string_view key) {
    const std::array headers = {tollgate_header{text("Host"), text("shop.example")}};
    tollgate_request request{};
    request.method = text(method);
    request.target = text(target);
    request.headers = headers.data();
    request.header_count = headers.size();
    request.peer_ip = text("2001:db8::1");
    const tollgate_value given = key.empty() ? tollgate_value{} : tollgate_value_of_text(text(key));
    const tollgate_decision *decision = nullptr;
    call(tollgate_decide_request, session_.get(), route_.get(), &request, &given, size_t{1}, &decision);
    tollgate_text service, status;
    if (tollgate_decision_text(decision, "service", &service)) return std::string(view(service));
    if (tollgate_decision_text(decision, "status", &status)) return std::string(view(status));
    return "?";
  }

private:
  Entry route_;
  Session session_;
};

}  // namespace

int main(int argc, char **argv) try {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " RULES\n";
    return 2;
  }
  Gateway gateway(argv[1]);
  std::cout << gateway.route("POST", "/pay/7", "") << '\n'
            << gateway.route("GET", "/x", "key-1") << '\n'
            << gateway.route("GET", "/x", "") << '\n';
  try {
    gateway.route("BREW", "/x", "");
  } catch (const std::runtime_error &refused) {
    std::cout << "refused: " << refused.what() << '\n';
  }
  return 0;
} catch (const std::exception &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
